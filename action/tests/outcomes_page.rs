//! `docs/outcomes.md` is made from the manifest: this makes it again and compares. With `UPDATE_DOCS=1` it writes it.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use revoke_user_sessions::manifest;
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "\
# What became of each asset

Every asset of a run has one outcome: a *verdict* for what happened, a *code* for programs, a sentence for people, and
evidence. This page lists the codes of the action `revoke-user-sessions`, with their meaning, cause and cure.

It is made from the action's manifest (`UPDATE_DOCS=1 cargo test -p revoke-user-sessions --test outcomes_page` writes it
anew); `tipstaff actions inspect revoke-user-sessions` shows the same for the version that you have.

## Verdicts

| Verdict | Means | Exit code |
| --- | --- | --- |
| `succeeded` | The service said that it was done, and the host saw the answer. | 0 |
| `would-enforce` | A simulation: it would have been done. | 0 |
| `skipped` | There was nothing to do, and that is fine. | 0 |
| `failed` | It was tried or looked into, and it did not happen. | 1 |
| `in-doubt` | It was sent, and nobody knows whether it happened. Doing it again does no harm. | 1 |
| `not-attempted` | It was never sent: the run ended first, or going on could not help. | 1 |

## Being sure

A service's yes is not the deed. Two settings (`--set NAME=VALUE`) tell more, each at its price:

| Setting | Tells | Takes |
| --- | --- | --- |
| none | what the service said: `revoked` | two requests a user |
| `verify=true` | whether the user's cut-off time moved: `verified`, or `unconfirmed` after some reads | one more request a user, and at most a minute where reads lag; `User.Read.All` |
| `canary=true` | how long a revoke takes in your tenant today: a test account is cut with the run, and its refresh token tried until it is refused | a test account, and a new token for each run |

The test account stands in the connection. Its refresh token is one of this very application, as a sign-in with
`offline_access` gives it; a revoke ends it, so store a new one before the next run that measures:

```toml
canary_user = \"canary@contoso.com\"
canary_refresh_token = { file = \"/run/secrets/canary\" }
```

The plan shows the account before you say yes, and it has an outcome of its own under `canary:canary@contoso.com`. With
`sso_provider = true` in the connection, outcomes list the applications that a user reaches through the tenant, whose own
sessions live on; that takes `Directory.Read.All`. `priority=high` asks the service to refuse the run's requests later than
others when quota is short.

## Codes

A code says why; which verdict it comes with depends on what had been sent. Codes never change their meaning.

";

const TAIL: &str = "
## Evidence

| Member | Means |
| --- | --- |
| `object_id` | the user's object id, whenever the user was found |
| `user_principal_name`, `user_type`, `account_enabled`, `on_premises_synced` | what the look-up told |
| `looked_up` | `false` where the application may not read users: guests and duplicates were not told apart |
| `http_status`, `error_code` | of the last answer about looking the user up or revoking |
| `request_id` | the service's name for that answer; the tenant's own audit log and Microsoft's support know it |
| `date` | when the service gave it, where it was no success |
| `attempts` | how often that was asked |
| `exposure` | until when access tokens that were issued before may still work |
| `cutoff_before`, `cutoff_after`, `reads` | with the setting `verify`: the user's `signInSessionsValidFromDateTime` before and after, and how often it was read |
| `applications`, `more_applications` | with `sso_provider` in the connection: applications that the user reaches through the tenant, by name; whether there are more |
| `canary` | of the test account: `refused_after_ms` and `worked_after_ms` since the revoke, and `tries` |
| `sent_before` | when an earlier try of the run, which did not live to report, may have sent the revoke |
| `identities` | of an asset that is several users: what became of each |
| `action_digest` | the SHA-256 of the component that reported this; the host adds it |
| `connection` | the connection that dynamic values chose for the asset; the host adds it |
| `fallback` | fields that kept their static value because dynamic values gave none; the host adds it |

## Codes of the host

| Code | Means |
| --- | --- |
| `not-an-asset` | The line or element of the list is no asset; the message says why. Mend the list and run those lines again. |
| `duplicate` | Another asset of the run is the same user by the list's own word; its outcome says what happened. |
| `no-identity` | The inventory has no identity of this asset on the connection. |
| `wrong-kind` | The action does not work with assets of this kind. |
| `dynamic-values` | A field fell back to its static value, and such assets were to fail (`--fail-on-fallback`). Nothing was sent. |
| `interrupted` | The run was stopped by a person or the system. Run those again. |
| `stopped` | The action ended the run and says why. |
| `cut-short` | The host ended the run: a limit, a crash, a breach of the contract. |
| `broke-contract` | What the action reported is not what the host saw, so the host's word stands. Do not trust the action. |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| Code | Meaning, cause and cure |\n| --- | --- |\n");
    for (code, meaning) in manifest().outcome_codes {
        writeln!(page, "| `{code}` | {} |", meaning.replace('|', "\\|")).unwrap();
    }
    page.push_str(TAIL);
    page
}

#[test]
fn the_page_says_what_the_manifest_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/outcomes.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "docs/outcomes.md is not what the manifest says: `make docs` writes it anew"
    );
}
