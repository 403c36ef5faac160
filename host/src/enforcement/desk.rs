//! Answers what comes up while a run is under way, and writes it down first: which assets a changing call is about to
//! leave for, and which names are taken.
//!
//! One thread owns the spool's connection. What arrives together is written in one transaction, so that many calls in
//! flight cost few writes.

use futures::future::BoxFuture;
use jiff::Timestamp;
use tipstaff_egress::Owner;
use tipstaff_sandbox::Claims;
use tokio::sync::{mpsc, oneshot};

use super::spool::{Desk, Entries};

enum Job {
    Sent(Vec<Owner>, oneshot::Sender<Result<(), String>>),
    Claim(
        Vec<(Owner, String)>,
        oneshot::Sender<Result<Vec<Option<String>>, String>>,
    ),
}

/// The way to the desk's thread, which ends with the last of these.
#[derive(Clone)]
pub(crate) struct Clerk {
    jobs: mpsc::Sender<Job>,
}

const MOST_AT_ONCE: usize = 256;

impl Clerk {
    pub(crate) fn start(desk: Desk) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(MOST_AT_ONCE);
        std::thread::Builder::new()
            .name("tipstaff-desk".to_owned())
            .spawn(move || work(desk, queue))?;
        Ok(Self { jobs })
    }

    /// Returns when it is written that a call that changes these assets is about to leave.
    pub(crate) async fn sent(&self, owners: Vec<Owner>) -> Result<(), String> {
        self.ask(|reply| Job::Sent(owners, reply)).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Job,
    ) -> Result<T, String> {
        const GONE: &str = "the run is over";
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(job(reply))
            .await
            .map_err(|_| GONE.to_owned())?;
        answer.await.map_err(|_| GONE.to_owned())?
    }
}

impl Claims for Clerk {
    fn claim(
        &self,
        claims: Vec<(Owner, String)>,
    ) -> BoxFuture<'_, Result<Vec<Option<String>>, String>> {
        Box::pin(self.ask(|reply| Job::Claim(claims, reply)))
    }
}

type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;

fn work(mut desk: Desk, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < MOST_AT_ONCE {
            let Ok(next) = queue.try_recv() else { break };
            jobs.push(next);
        }
        let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
        let written = desk.at_once(|entries| {
            for job in jobs {
                answers.push(one(entries, job)?);
            }
            Ok(())
        });
        // A job that was not reached hears that its sender is gone.
        for answer in answers {
            answer(written.as_ref().copied().map_err(ToString::to_string));
        }
    }
}

/// Does a job inside the transaction. Its answer is given when that is written.
fn one(entries: &Entries<'_>, job: Job) -> rusqlite::Result<Answer> {
    Ok(match job {
        Job::Sent(owners, reply) => {
            entries.sent(&owners, Timestamp::now())?;
            // Nobody waits for an answer whose request was given up.
            Box::new(move |written| drop(reply.send(written)))
        }
        Job::Claim(claims, reply) => {
            let taken = claims
                .iter()
                .map(|(owner, name)| entries.claim(*owner, name));
            let taken = taken.collect::<rusqlite::Result<Vec<_>>>()?;
            Box::new(move |written| drop(reply.send(written.map(|()| taken))))
        }
    })
}
