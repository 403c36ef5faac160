//! What is wrong with a declaration: every fault at once, each with its place.

use std::fmt;

/// The faults of a declaration; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarationFaults(pub Vec<DeclarationFault>);

impl std::error::Error for DeclarationFaults {}

impl fmt::Display for DeclarationFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(
            f,
            "the manifest declares what cannot be granted ({count} {})",
            if count == 1 { "fault" } else { "faults" }
        )?;
        for (at, fault) in self.0.iter().enumerate() {
            write!(f, "{} {fault}", if at == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarationFault {
    /// Where.
    pub place: FaultPlace,
    /// What.
    pub flaw: Flaw,
}

impl fmt::Display for DeclarationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.flaw)
    }
}

/// A place in a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlace {
    /// Which list.
    pub section: Section,
    /// The entry in that list, from 0. `None` for the list itself.
    pub index: Option<usize>,
    /// The entry's name or id as declared, shortened.
    pub name: String,
    /// The field of the entry: `url`. Empty for the entry itself.
    pub field: &'static str,
}

impl fmt::Display for FaultPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, list) = match self.section {
            Section::Endpoints => ("endpoint", "endpoints"),
            Section::Calls => ("call", "calls"),
            Section::Lanes => ("lane", "lanes"),
        };
        if self.index.is_none() {
            return f.write_str(list);
        }
        write!(f, "{one} `{}`", self.name)?;
        if self.field.is_empty() {
            Ok(())
        } else {
            write!(f, ", `{}`", self.field)
        }
    }
}

/// The lists of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `endpoints`.
    Endpoints,
    /// `calls`.
    Calls,
    /// `lanes`.
    Lanes,
}

/// What can be wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// More entries than are allowed.
    #[error("has more than {0} entries")]
    TooMany(usize),
    /// A longer text than is allowed.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// A name that is none.
    #[error("is not a kebab-case name of at most 64 bytes")]
    NotKebab,
    /// A text that has to be there.
    #[error("is empty")]
    Empty,
    /// Control characters, or letters that are shown backwards or not at all.
    #[error("holds characters that cannot be shown")]
    Unprintable,
    /// The same twice.
    #[error("has `{0}` twice")]
    Twice(String),
    /// An address that is no origin.
    #[error("has an address that cannot be used (`{address}`): {reason}")]
    BadAddress {
        /// The address, shortened.
        address: String,
        /// Why.
        reason: crate::addresses::OriginError,
    },
    /// The connection picked no address.
    #[error("has no address in this connection")]
    NoAddress,
    /// The method.
    #[error("is not one of GET, HEAD, POST, PUT, PATCH, DELETE")]
    BadMethod,
    /// GET and HEAD have no body that means anything (RFC 9110 section 9.3.1).
    #[error("is in a body, which GET and HEAD do not have")]
    SafeMethod,
    /// The template.
    #[error("is not a template of an address: {0}")]
    BadTemplate(&'static str),
    /// The template's endpoint.
    #[error("begins with `{0}`, which is no endpoint of the manifest")]
    UnknownEndpoint(String),
    /// A field's value cannot stand in a path.
    #[error("uses field `{0}`, whose value in this connection cannot stand in a path")]
    BadFieldValue(String),
    /// Two calls fit one request.
    #[error("fits requests that call `{0}` fits too")]
    Overlaps(String),
    /// A change that is about nobody.
    #[error("changes something and names no subject")]
    NoSubject,
    /// A subject whose place does not fit the call.
    #[error("names its subject where the call has no such place: {0}")]
    BadSubject(&'static str),
    /// A header that is not written as one.
    #[error("has header `{0}`, which is not a header name in lower case")]
    BadHeader(String),
    /// A header that an action may not set, or see.
    #[error("has header `{0}`, which is the host's alone")]
    ForbiddenHeader(String),
    /// A JSON Pointer that is none.
    #[error("`{0}` is not a JSON Pointer to a member")]
    BadPointer(String),
    /// A name of a query parameter, a form field or a member.
    #[error("has an empty or unusable name")]
    BadName,
    /// It carries what nobody seals.
    #[error("carries the sealed value `{0}`, which no call seals")]
    UnknownSeal(String),
    /// Two things for one place, or a place that the request cannot have.
    #[error("cannot carry there: {0}")]
    BadPlace(&'static str),
    /// A lane that is not declared.
    #[error("costs lane `{0}`, which the manifest does not declare")]
    UnknownLane(String),
    /// A number that has to be more than nothing, or less.
    #[error("has to be from 1 to {0}")]
    OutOfRange(u64),
    /// An envelope's call that is not there.
    #[error("holds call `{0}`, which the manifest does not declare")]
    UnknownCall(String),
    /// An envelope's call that cannot be a part.
    #[error("holds call `{call}`, which cannot be a part: {why}")]
    BadPart {
        /// The call.
        call: String,
        /// Why.
        why: &'static str,
    },
}
