//! What a manifest declares of the network, in the host's own types.
//!
//! Plain data, as the action's author wrote it and not yet checked: [`crate::Grant`] is what remains after checking.
//! The meaning of every field is the contract's (`wit/manifest.wit`).

use std::time::Duration;

/// Everything of a manifest that concerns the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declaration {
    /// The services, by name, with their addresses in each cloud.
    pub endpoints: Vec<Endpoint>,
    /// Every kind of request.
    pub calls: Vec<Call>,
    /// The quotas that calls draw on.
    pub lanes: Vec<Lane>,
}

/// A service and its published addresses: pairs of a cloud's name and an origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// The name that URL templates use.
    pub name: String,
    /// `("global", "https://graph.microsoft.com")`.
    pub addresses: Vec<(String, String)>,
}

/// What a call does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Obtains credentials.
    SignsIn,
    /// Changes something about its subject.
    Changes,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// kebab-case.
    pub id: String,
    /// Upper case.
    pub method: String,
    /// `{graph}/v1.0/users/*/revokeSignInSessions`.
    pub url: String,
    /// Names of query parameters.
    pub query: Vec<String>,
    /// Lower-case names.
    pub request_headers: Vec<String>,
    /// Lower-case names.
    pub answer_headers: Vec<String>,
    /// For the person who approves.
    pub purpose: String,
    /// One request, or several in an envelope.
    pub shape: Shape,
    /// Sending it again does no harm.
    pub repeatable: bool,
    /// Secrets that leave in it.
    pub carries: Vec<Carried>,
    /// Values of its answers that the action gets as stand-ins.
    pub seals: Vec<Sealed>,
    /// What it costs.
    pub costs: Vec<Cost>,
    /// The cookie jar that it shares with others.
    pub cookie_jar: Option<String>,
}

/// One request, or several in an envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A request about one thing.
    Single {
        /// What it does.
        effect: Effect,
        /// Whom it is about.
        subject: Option<Subject>,
    },
    /// An OData JSON batch.
    ODataJsonBatch {
        /// What the addresses of its parts are relative to.
        base: String,
        /// The most parts.
        max_parts: u32,
        /// The ids of the calls that it may hold.
        calls: Vec<String>,
    },
}

/// The asset that a call is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Where the request names it.
    pub named_in: Naming,
    /// Fields of an identity whose values are names.
    pub fields: Vec<String>,
    /// Names that the answer teaches.
    pub learns: Vec<Learnt>,
}

/// Where a request names its subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Naming {
    /// The last `*` of the URL.
    Segment,
    /// The query parameter `$filter`, by a template.
    Filter(String),
    /// A string member of the JSON body, as a JSON Pointer.
    JsonMember(String),
}

/// A further name that the answer teaches.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The member that holds the new name.
    pub json_member: String,
    /// The member that must equal the name that was asked for.
    pub echoes: String,
}

/// Something secret that leaves in a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// What.
    pub what: Held,
    /// Where.
    pub place: Place,
}

/// Something that the host holds and the guest has a stand-in for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// A secret field of the connection.
    Secret(String),
    /// A value sealed in an earlier answer.
    Sealed(String),
    /// A signed client assertion.
    Assertion,
    /// A one-time code of this secret field.
    OneTimeCode(String),
}

/// Where in a request a held value leaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The whole value of a header.
    Header(String),
    /// `Authorization: Bearer …`.
    Bearer,
    /// A field of an `application/x-www-form-urlencoded` body.
    FormField(String),
    /// A string member of a JSON body, as a JSON Pointer.
    JsonMember(String),
}

/// A value of an answer that the action gets as a stand-in.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// What [`Held::Sealed`] refers to.
    pub name: String,
    /// Where it is.
    pub found_in: FindingPlace,
}

/// Where in an answer a value to seal is.
#[derive(Clone, Debug, PartialEq)]
pub enum FindingPlace {
    /// A string member of the JSON object.
    JsonMember(String),
    /// A header, whole.
    Header(String),
    /// A query parameter of the `Location` header.
    LocationQuery(String),
    /// A member of the JSON that a script assigns to a variable.
    ScriptVariable(String, String),
}

/// Units of a lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// The lane's id.
    pub lane: String,
    /// How many.
    pub units: u32,
}

/// A published quota.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// kebab-case.
    pub id: String,
    /// Units in each window.
    pub units: u32,
    /// How long the window is.
    pub window: Duration,
    /// The header of answers that tells the share of the quota that is used. Lower case.
    pub used_header: Option<String>,
}
