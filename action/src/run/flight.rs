//! One request on its way: sent, read, and with the names in it claimed.
//!
//! A flight holds the users it is about and brings them back. It decides nothing.

use super::state::Task;
use crate::canary::Redeemed;
use crate::chance::Chance;
use crate::graph::{self, Batched, Question, Step, What};
use crate::names::Name;
use crate::service::{Claim, Service};
use crate::sign_in::{NoToken, SignIn, Token};
use crate::target::Target;
use std::time::Duration;

/// What every flight of a run needs.
pub(super) struct Context<'a, S> {
    pub(super) service: &'a S,
    pub(super) chance: Chance,
    /// Graph's address.
    pub(super) graph: String,
    /// None if the connection does not do; then nothing flies.
    pub(super) sign_in: Option<SignIn>,
}

/// What came of a task.
pub(super) enum Landing {
    SignedIn(Result<Token, NoToken>),
    Redeemed {
        target: Box<Target>,
        /// When the try left, on the monotonic clock.
        sent: Duration,
        redeemed: Redeemed,
    },
    Asked {
        step: Step,
        targets: Vec<Target>,
        batched: Batched,
        /// For each target, the other asset that is the same user.
        taken: Vec<Option<String>>,
        /// Of the token that it left with.
        generation: u32,
    },
}

pub(super) async fn fly<S: Service>(context: &Context<'_, S>, task: Task) -> Landing {
    let Context {
        service,
        chance,
        graph,
        sign_in,
    } = context;
    match task {
        Task::SignIn { claims, generation } => Landing::SignedIn(match sign_in {
            Some(sign_in) => {
                sign_in
                    .token(*service, chance, claims.as_deref(), generation)
                    .await
            }
            None => Err(NoToken::lasting("The connection cannot sign in.")),
        }),
        Task::Redeem(target) => {
            let sent = service.monotonic();
            let redeemed = match sign_in {
                Some(sign_in) => sign_in.redeem(*service, chance).await,
                None => Redeemed::Unknown("the connection cannot sign in".to_owned()),
            };
            Landing::Redeemed {
                target,
                sent,
                redeemed,
            }
        }
        Task::Ask {
            step,
            targets,
            token,
        } => {
            let request_id = chance.guid();
            let authorization = &token.authorization;
            let batched = match targets.as_slice() {
                [target] => {
                    let request =
                        graph::plain(step, target.question(), graph, authorization, request_id);
                    let result = service.send(request).await;
                    Batched::Parts(vec![graph::read_plain(
                        step,
                        &target.name,
                        &result,
                        service.unix_seconds(),
                    )])
                }
                targets => {
                    let questions: Vec<Question<'_>> =
                        targets.iter().map(Target::question).collect();
                    let request = graph::batch(step, &questions, graph, authorization, request_id);
                    let names: Vec<&Name> = targets.iter().map(|target| &target.name).collect();
                    let result = service.send(request).await;
                    graph::read_batch(step, &names, &result, service.unix_seconds())
                }
            };
            let taken = if step == Step::LookUp {
                claim(*service, &targets, &batched).await
            } else {
                Vec::new()
            };
            Landing::Asked {
                step,
                targets,
                batched,
                taken,
                generation: token.generation,
            }
        }
    }
}

/// Claims the object ids that were found, so that a user who is there as two assets is worked on once.
async fn claim<S: Service>(
    service: &S,
    targets: &[Target],
    batched: &Batched,
) -> Vec<Option<String>> {
    let mut taken = Vec::new();
    let Batched::Parts(parts) = batched else {
        return taken;
    };
    let mut indices = Vec::with_capacity(parts.len());
    let mut claims = Vec::with_capacity(parts.len());
    for (at, (target, seen)) in targets.iter().zip(parts).enumerate() {
        if let What::Found(user) = &seen.what {
            indices.push(at);
            claims.push(Claim {
                asset: String::from(&*target.asset),
                name: user.object_id.clone(),
            });
        }
    }
    if claims.is_empty() {
        return taken;
    }
    taken.resize(targets.len(), None);
    for (at, other) in indices.into_iter().zip(service.claim(claims).await) {
        if let Some(slot) = taken.get_mut(at) {
            *slot = other;
        }
    }
    taken
}
