//! The test account's own way through a run: its token is tried, it is revoked with the others, its token is tried
//! until it is refused.

use super::state::Run;
use crate::canary::{Finding, Next, Redeemed};
use crate::codes::Code;
use crate::service::{Mode, Verdict};
use crate::target::Target;
use crate::wording;
use std::time::Duration;

impl Run {
    /// Takes in what came of a try of the test account's refresh token.
    pub(super) fn redeemed(
        &mut self,
        mut target: Box<Target>,
        sent: Duration,
        redeemed: Redeemed,
        now: Duration,
    ) {
        let deadline = target.first_sent.unwrap_or(sent) + target.settings.max_time;
        let next = match target.canary.as_mut() {
            Some(canary) => canary.take(redeemed, sent, now, deadline),
            None => Next::Over,
        };
        match next {
            Next::Revoke => self.revoke(*target),
            Next::Try(due) if self.stop.is_none() => self.canaries.push((due, target)),
            Next::Try(_) => self.end_stopped(*target),
            Next::Over => self.end_canary(*target),
        }
    }

    /// Ends the work on the test account with what was found out.
    pub(super) fn end_canary(&mut self, target: Target) {
        let message = wording::canary(&target);
        let finding = target.canary.as_ref().and_then(|canary| canary.finding());
        let accepted = target.accepted().is_some();
        let (verdict, code) = match finding {
            Some(Finding::Cut) => (Verdict::Succeeded, Code::CanaryCut),
            Some(Finding::Alive) => (Verdict::InDoubt, Code::CanaryAlive),
            None if self.mode == Mode::Simulate => (Verdict::WouldEnforce, Code::WouldRevoke),
            None | Some(Finding::Unmeasured(_)) if accepted => {
                (Verdict::InDoubt, Code::CanaryUnmeasured)
            }
            None | Some(Finding::Unmeasured(_)) => (Verdict::Failed, Code::CanaryUnmeasured),
        };
        self.end(target, verdict, code, message);
    }
}
