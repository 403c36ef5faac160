//! What an action may ask of the network: a declaration that was checked and bound to a connection.
//!
//! It holds the rules and finds the one that fits; what else a request has to be is judged in [`crate::admit`].

use http::Method;
use http::header::HeaderName;

use crate::addresses::{Addresses, Origin};
use crate::check::method;
use crate::declare::{
    Call, Carried, Declaration, Effect, Lane, Learnt, Naming, Sealed, Shape, Subject,
};
use crate::fault::{DeclarationFault, DeclarationFaults, FaultPlace, Flaw, Section};
use crate::filter::FilterForm;
use crate::json::Pointer;
use crate::target::Target;
use crate::template::{Step, Template, Unbound, overlap};

/// The requests that a person approved for one component, with one connection's addresses.
#[derive(Debug)]
pub struct Grant {
    origins: Vec<Origin>,
    rules: Vec<Rule>,
    lanes: Vec<Lane>,
}

/// One call, ready to be compared with requests.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) template: String,
    /// The place of its origin in the grant.
    origin: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) query: Vec<String>,
    pub(crate) request_headers: Vec<HeaderName>,
    pub(crate) answer_headers: Vec<HeaderName>,
    pub(crate) shape: RuleShape,
    pub(crate) carries: Vec<Carried>,
    pub(crate) seals: Vec<Sealed>,
    /// Places of lanes in the grant, and units.
    pub(crate) costs: Vec<(usize, u32)>,
    pub(crate) cookie_jar: Option<String>,
}

#[derive(Debug)]
pub(crate) enum RuleShape {
    Single {
        effect: Effect,
        subject: Option<SubjectRule>,
    },
    Batch {
        base: Vec<Step>,
        max_parts: usize,
        calls: Vec<usize>,
    },
}

/// Whom a call is about, and how to find out.
#[derive(Debug)]
pub(crate) struct SubjectRule {
    pub(crate) naming: NamingRule,
    pub(crate) fields: Vec<String>,
    pub(crate) learns: Vec<Learnt>,
}

#[derive(Debug)]
pub(crate) enum NamingRule {
    /// The segment at this place.
    Segment(usize),
    /// The literal in `$filter`.
    Filter(FilterForm),
    JsonMember(Pointer),
}

impl Grant {
    /// Checks a declaration and binds it to a connection. A call that uses a field which the connection does not have is
    /// not granted, and that is no fault.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: what [`Declaration::faults`] finds, or, if that finds nothing, what is wrong
    /// with these addresses and fields.
    pub fn new(
        declaration: &Declaration,
        addresses: &Addresses,
    ) -> Result<Self, DeclarationFaults> {
        let mut faults = declaration.faults();
        if !faults.is_empty() {
            return Err(DeclarationFaults(faults));
        }
        let mut origins = Vec::new();
        for (index, endpoint) in declaration.endpoints.iter().enumerate() {
            match addresses.origins.get(&endpoint.name) {
                Some(origin) => origins.push(origin.clone()),
                None => faults.push(fault(
                    Section::Endpoints,
                    index,
                    &endpoint.name,
                    "",
                    Flaw::NoAddress,
                )),
            }
        }
        if !faults.is_empty() {
            return Err(DeclarationFaults(faults));
        }
        let mut binder = Binder {
            declaration,
            addresses,
            faults,
        };
        let mut rules = Vec::new();
        // Where each call of the declaration is among the rules; not everywhere, if a field is missing.
        let mut places = vec![None; declaration.calls.len()];
        for (index, call) in declaration.calls.iter().enumerate() {
            if let Some(rule) = binder.rule(index, call) {
                places[index] = Some(rules.len());
                rules.push(rule);
            }
        }
        for (index, call) in declaration.calls.iter().enumerate() {
            if let (
                Some(place),
                Shape::ODataJsonBatch {
                    base,
                    max_parts,
                    calls,
                },
            ) = (places[index], &call.shape)
            {
                let Some((_, base)) = binder.steps(index, call, "base", base) else {
                    continue;
                };
                let position =
                    |id: &String| declaration.calls.iter().position(|call| call.id == *id);
                let calls = calls
                    .iter()
                    .filter_map(|id| places[position(id)?])
                    .collect();
                let max_parts = usize::try_from(*max_parts).unwrap_or(usize::MAX);
                rules[place].shape = RuleShape::Batch {
                    base,
                    max_parts,
                    calls,
                };
            }
        }
        let grant = Self {
            origins,
            rules,
            lanes: declaration.lanes.clone(),
        };
        binder.faults.extend(grant.overlaps(declaration));
        if binder.faults.is_empty() {
            Ok(grant)
        } else {
            Err(DeclarationFaults(binder.faults))
        }
    }

    /// The lanes that its calls draw on, for [`crate::Lanes::open`].
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Every origin that a request can go to, each once.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let first = |at: usize| {
            self.origins[..at]
                .iter()
                .all(|earlier| *earlier != self.origins[at])
        };
        self.origins
            .iter()
            .enumerate()
            .filter(move |(at, _)| first(*at))
            .map(|(_, origin)| origin)
    }

    pub(crate) fn rule(&self, at: usize) -> &Rule {
        &self.rules[at]
    }

    pub(crate) fn origin(&self, rule: &Rule) -> &Origin {
        &self.origins[rule.origin]
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule that a request of this method, authority and path belongs to.
    pub(crate) fn find(
        &self,
        method: &Method,
        authority: &str,
        target: &Target<'_>,
    ) -> Option<usize> {
        let fits = |rule: &Rule| {
            rule.method == *method
                && self.origins[rule.origin].is(authority)
                && target.fits(&rule.steps)
        };
        let fitting = (0..self.rules.len()).filter(|at| fits(&self.rules[*at]));
        self.by_filter(fitting, target)
    }

    /// Of rules that fit a request's address, the one that fits its filter too; the first, if none does.
    pub(crate) fn by_filter(
        &self,
        mut rules: impl Iterator<Item = usize>,
        target: &Target<'_>,
    ) -> Option<usize> {
        let first = rules.next()?;
        let begins = |at: usize| match self.rules[at].filter() {
            Some(form) => form.begins(target.query),
            None => true,
        };
        if begins(first) {
            return Some(first);
        }
        Some(rules.find(|at| begins(*at)).unwrap_or(first))
    }

    /// Two calls of different endpoints, or with fields, can turn out to be one only now.
    fn overlaps(&self, declaration: &Declaration) -> Vec<DeclarationFault> {
        let mut faults = Vec::new();
        for (at, two) in self.rules.iter().enumerate() {
            for one in &self.rules[..at] {
                let same = one.method == two.method
                    && self.origins[one.origin] == self.origins[two.origin];
                let apart = one
                    .filter()
                    .zip(two.filter())
                    .is_some_and(|(one, two)| one.is_apart_from(two));
                if same && overlap(&one.steps, &two.steps) && !apart && !one.is_twin(two) {
                    let index = declaration
                        .calls
                        .iter()
                        .position(|call| call.id == two.id)
                        .unwrap_or(at);
                    faults.push(fault(
                        Section::Calls,
                        index,
                        &two.id,
                        "url",
                        Flaw::Overlaps(one.id.clone()),
                    ));
                }
            }
        }
        faults
    }
}

impl Rule {
    /// What a request of it does; an envelope does what its parts do.
    pub(crate) fn effect(&self) -> Effect {
        match &self.shape {
            RuleShape::Single { effect, .. } => *effect,
            RuleShape::Batch { .. } => Effect::Reads,
        }
    }

    /// Whether it makes no difference to which of the two a request belongs, as with two ways to write a tenant that
    /// turn out to be the same in this connection.
    fn is_twin(&self, other: &Self) -> bool {
        let alone = |rule: &Self| match &rule.shape {
            RuleShape::Single {
                effect,
                subject: None,
            } => Some(*effect),
            RuleShape::Single {
                subject: Some(_), ..
            }
            | RuleShape::Batch { .. } => None,
        };
        alone(self).is_some()
            && alone(self) == alone(other)
            && self.steps == other.steps
            && self.query == other.query
            && self.request_headers == other.request_headers
            && self.answer_headers == other.answer_headers
            && self.carries == other.carries
            && self.seals == other.seals
            && self.costs == other.costs
            && self.cookie_jar == other.cookie_jar
    }

    /// The form of the filter that names its subject.
    fn filter(&self) -> Option<&FilterForm> {
        match &self.subject()?.naming {
            NamingRule::Filter(form) => Some(form),
            NamingRule::Segment(_) | NamingRule::JsonMember(_) => None,
        }
    }

    pub(crate) fn subject(&self) -> Option<&SubjectRule> {
        match &self.shape {
            RuleShape::Single { subject, .. } => subject.as_ref(),
            RuleShape::Batch { .. } => None,
        }
    }
}

struct Binder<'a> {
    declaration: &'a Declaration,
    addresses: &'a Addresses,
    faults: Vec<DeclarationFault>,
}

impl Binder<'_> {
    /// The rule of a call; the shape of an envelope is filled in when all rules are there.
    fn rule(&mut self, index: usize, call: &Call) -> Option<Rule> {
        let (origin, steps) = self.steps(index, call, "url", &call.url)?;
        let shape = match &call.shape {
            Shape::Single {
                effect,
                subject: None,
            } => RuleShape::Single {
                effect: *effect,
                subject: None,
            },
            Shape::Single {
                effect,
                subject: Some(subject),
            } => RuleShape::Single {
                effect: *effect,
                subject: Some(bind_subject(subject, &steps)?),
            },
            Shape::ODataJsonBatch { .. } => RuleShape::Batch {
                base: Vec::new(),
                max_parts: 0,
                calls: Vec::new(),
            },
        };
        let headers =
            |names: &[String]| names.iter().filter_map(|name| name.parse().ok()).collect();
        let lane = |id: &String| {
            self.declaration
                .lanes
                .iter()
                .position(|lane| lane.id == *id)
        };
        Some(Rule {
            id: call.id.clone(),
            method: method(&call.method)?,
            template: call.url.clone(),
            origin,
            steps,
            query: call.query.clone(),
            request_headers: headers(&call.request_headers),
            answer_headers: headers(&call.answer_headers),
            shape,
            carries: call.carries.clone(),
            seals: call.seals.clone(),
            costs: call
                .costs
                .iter()
                .filter_map(|cost| Some((lane(&cost.lane)?, cost.units)))
                .collect(),
            cookie_jar: call.cookie_jar.clone(),
        })
    }

    fn steps(
        &mut self,
        index: usize,
        call: &Call,
        field: &'static str,
        text: &str,
    ) -> Option<(usize, Vec<Step>)> {
        let template = Template::parse(text).ok()?;
        let origin = self
            .declaration
            .endpoints
            .iter()
            .position(|endpoint| endpoint.name == template.endpoint)?;
        match template.bind(&self.addresses.fields) {
            Ok(steps) => Some((origin, steps)),
            Err(Unbound::NoField) => None,
            Err(Unbound::BadValue(name)) => {
                self.faults.push(fault(
                    Section::Calls,
                    index,
                    &call.id,
                    field,
                    Flaw::BadFieldValue(name),
                ));
                None
            }
        }
    }
}

/// `None` cannot happen: what is asked for here was checked before.
fn bind_subject(subject: &Subject, steps: &[Step]) -> Option<SubjectRule> {
    let naming = match &subject.named_in {
        Naming::Segment => NamingRule::Segment(steps.iter().rposition(|step| *step == Step::Any)?),
        Naming::Filter(template) => NamingRule::Filter(FilterForm::parse(template)?),
        Naming::JsonMember(pointer) => NamingRule::JsonMember(Pointer::parse(pointer)?),
    };
    Some(SubjectRule {
        naming,
        fields: subject.fields.clone(),
        learns: subject.learns.clone(),
    })
}

fn fault(
    section: Section,
    index: usize,
    name: &str,
    field: &'static str,
    flaw: Flaw,
) -> DeclarationFault {
    DeclarationFault {
        place: FaultPlace {
            section,
            index: Some(index),
            name: name.to_owned(),
            field,
        },
        flaw,
    }
}
