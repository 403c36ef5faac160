//! Tries the test account's refresh token: whether what a revoke cuts has been cut.

use super::form::Form;
use super::refusal::{NoToken, refused, unanswered};
use super::{SignIn, Token};
use crate::canary::{REFRESH_TOKEN, Redeemed};
use crate::chance::Chance;
use crate::service::Service;

impl SignIn {
    /// Tries the test account's refresh token, once ("Microsoft identity platform and the OAuth 2.0 authorization code
    /// flow", refresh the access token). What it buys is not used.
    pub(crate) async fn redeem<S: Service>(&self, service: &S, chance: &Chance) -> Redeemed {
        let Some(token) = service.stand_in(REFRESH_TOKEN) else {
            return Redeemed::Unknown(format!("the connection has no `{REFRESH_TOKEN}`"));
        };
        match self.redeem_as(service, chance, &token, true).await {
            // A token of a public client is refused where the client proves itself (AADSTS700025).
            (Redeemed::Unknown(_), Some(700_025)) => {
                self.redeem_as(service, chance, &token, false).await.0
            }
            (redeemed, _) => redeemed,
        }
    }

    async fn redeem_as<S: Service>(
        &self,
        service: &S,
        chance: &Chance,
        token: &str,
        proves: bool,
    ) -> (Redeemed, Option<u32>) {
        let unknown = |refusal: &NoToken| Redeemed::Unknown(lower(&refusal.message));
        let mut form = Form::default();
        form.add("client_id", &self.client_id);
        form.add("grant_type", "refresh_token");
        form.add("refresh_token", token);
        if proves && let Err(refusal) = self.prove(service, &mut form).await {
            return (unknown(&refusal), None);
        }
        let request = self.post(self.path("oauth2/v2.0/token"), form.into_body(), chance);
        let answer = match service.send(request).await {
            Ok(answer) => answer,
            Err(failure) => return (unknown(&unanswered(failure)), None),
        };
        if answer.status == 200 {
            let (monotonic, unix) = (service.monotonic(), service.unix_seconds());
            let redeemed = match Token::read(&answer, monotonic, unix, 0) {
                Ok(_) => Redeemed::Works,
                Err(refusal) => unknown(&refusal),
            };
            return (redeemed, None);
        }
        let refusal = refused(service, &answer);
        let code = refusal.code.filter(|_| answer.status < 500);
        // AADSTS50173: the grant is older than the user's cut-off time; 50133: so is the session.
        let redeemed = match code {
            Some(50_173 | 50_133) => Redeemed::Revoked,
            _ => unknown(&refusal),
        };
        (redeemed, code)
    }
}

/// A sentence as a clause: without the capital and the full stop.
fn lower(sentence: &str) -> String {
    let clause = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
