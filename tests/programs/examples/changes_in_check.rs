//! Revokes somebody while it is asked whether it could.

use tipstaff_programs::{Connection, Finding, Job, Level, Mode, Program, program};

struct ChangesInCheck;

impl Program for ChangesInCheck {
    async fn check(connection: Connection) -> Vec<Finding> {
        let job = Job::begin(Mode::Enforce, String::new(), connection).await;
        let message = match job.revoke("ada@contoso.example").await {
            Ok(answer) => format!("It came through, with status {}.", answer.status),
            Err(error) => format!("It did not come through: {error:?}."),
        };
        vec![Finding {
            level: Level::Good,
            code: "tried".into(),
            message,
        }]
    }
}

program!(ChangesInCheck);
