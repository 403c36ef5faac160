//! Where somebody is on the way through the sign-in pages.
//!
//! A flow is named by its context, which stays, and by its token, which each page renews. Flows are bounded; the oldest
//! goes.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use super::Wish;
use crate::clock::Moment;
use crate::wire;

/// The most flows at once.
const MOST: usize = 10_000;
/// People whose last one-time code is remembered.
const MOST_CODES: usize = 100_000;

/// The page that a flow has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Password,
    /// A one-time code is asked for.
    Factor,
    /// The code was right.
    FactorDone,
    StaySignedIn,
}

/// One way through the pages.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) wish: Wish,
    pub(crate) context: String,
    pub(crate) token: String,
    pub(crate) canary: String,
    pub(crate) api_canary: String,
    /// Named by `BeginAuth`, asked for by `EndAuth`.
    pub(crate) session_id: Uuid,
    pub(crate) stage: Stage,
    pub(crate) user: Option<Uuid>,
    /// The person's name, once the password was right.
    pub(crate) name: String,
    pub(crate) with_second_factor: bool,
    pub(crate) began: Moment,
}

/// All flows, and the one-time codes that were used.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    flows: HashMap<String, Flow>,
    order: VecDeque<String>,
    used_codes: HashMap<Uuid, u64>,
}

impl Flows {
    pub(crate) fn begin(&mut self, wish: Wish, now: Moment) -> Flow {
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.flows.remove(&oldest);
        }
        let flow = Flow {
            wish,
            context: format!("rQQIARAA{}", wire::unguessable(48)),
            token: format!("AQABIQEA{}", wire::unguessable(48)),
            canary: wire::unguessable(24),
            api_canary: wire::unguessable(24),
            session_id: Uuid::new_v4(),
            stage: Stage::Password,
            user: None,
            name: String::new(),
            with_second_factor: false,
            began: now,
        };
        self.order.push_back(flow.context.clone());
        self.flows.insert(flow.context.clone(), flow.clone());
        flow
    }

    /// The flow of this context, if the token is its latest one and it has come to `stage`. Its token is renewed.
    pub(crate) fn step(
        &mut self,
        context: Option<&str>,
        token: Option<&str>,
        stage: Option<Stage>,
    ) -> Option<Flow> {
        let flow = self.flows.get_mut(context?)?;
        if Some(flow.token.as_str()) != token || stage.is_some_and(|stage| stage != flow.stage) {
            return None;
        }
        flow.token = format!("AQABIQEA{}", wire::unguessable(48));
        Some(flow.clone())
    }

    /// Keeps what changed.
    pub(crate) fn put(&mut self, flow: &Flow) {
        if let Some(held) = self.flows.get_mut(&flow.context) {
            held.clone_from(flow);
        }
    }

    pub(crate) fn end(&mut self, flow: &Flow) {
        self.flows.remove(&flow.context);
    }

    /// Uses up the code of this step of time. False if it, or a later one, was used already (RFC 6238 section 5.2).
    pub(crate) fn use_code(&mut self, user: Uuid, step: u64) -> bool {
        if self.used_codes.len() >= MOST_CODES {
            self.used_codes.clear();
        }
        match self.used_codes.get(&user) {
            Some(last) if *last >= step => false,
            _ => {
                self.used_codes.insert(user, step);
                true
            }
        }
    }
}
