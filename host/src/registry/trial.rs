//! A version on trial: if it crashes or breaks its contract in one of its first runs, what was active before is active
//! again, and nobody has to be awake for it.

use jiff::Timestamp;
use tipstaff_sandbox::Action;

use super::RegistryError;
use super::book::{Entry, RollBack, Target};
use crate::enforcement::time_text;
use crate::host::{Host, HostError};

impl Host {
    /// Rolls the action back, if it is active on trial and this is one of its first runs, because of a `fault` of its
    /// own. Says in a sentence what was done.
    ///
    /// # Errors
    ///
    /// The record cannot be read or written: then it stays active.
    pub(crate) async fn judge_trial(
        &self,
        action: &Action,
        fault: &str,
    ) -> Result<Option<String>, HostError> {
        let name = action.manifest().name.clone();
        let target = Target::Installed(action.digest().to_owned());
        let book = self.inner.registry.book()?;
        let Some(active) = book.active(&name).filter(|active| active.target == target) else {
            return Ok(None);
        };
        let Some(trial) = active.trial else {
            return Ok(None);
        };
        let runs = self
            .inner
            .ledger
            .runs_since(action.digest(), &time_text(active.since))?;
        if runs > trial {
            return Ok(None);
        }
        let Some(step) = self.take_back(&name, active.since, fault)? else {
            return Ok(None);
        };
        let from = format!("{name}@{}", action.manifest().version);
        let now = match &step.to {
            Some(to) => format!("{} is active again", self.describe_target(&name, to).await?),
            None => format!("no version of {name} is active now"),
        };
        Ok(Some(format!(
            "{from} was on trial and was rolled back: {fault}; {now}"
        )))
    }

    /// Several runs can fail at the same time: the first of them takes the version back.
    fn take_back(
        &self,
        name: &str,
        since: Timestamp,
        fault: &str,
    ) -> Result<Option<RollBack>, RegistryError> {
        self.inner.registry.change(|book| {
            if book.active(name).is_none_or(|active| active.since != since) {
                return Ok((Vec::new(), None));
            }
            let step = self
                .step_back(book, name, Timestamp::now())
                .map(|step| RollBack {
                    why: Some(fault.to_owned()),
                    ..step
                });
            let entries = step.iter().cloned().map(Entry::RolledBack).collect();
            Ok((entries, step))
        })
    }
}
