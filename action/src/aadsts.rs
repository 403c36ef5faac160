//! What the codes of the sign-in service mean to an operator.
//!
//! From "Microsoft Entra authentication and authorization error codes". Decisions are made by the OAuth `error` and by
//! whether a code is transient; sentences are for people.

/// What to make of an AADSTS code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What happened and what to do, without a full stop.
    pub sentence: &'static str,
    /// Another try may go better.
    pub transient: bool,
}

/// The advice for `code`; none for a code that is not in the table.
#[must_use]
pub(crate) fn advice(code: u32) -> Option<Advice> {
    // Not 50196: another try would make a loop of requests only longer, so that one waits for the next run.
    let transient = matches!(code, 50_033 | 90_006 | 90_024 | 90_033 | 90_055);
    let sentence = match code {
        7_000_215 => {
            "the client secret is wrong: paste the secret's value, not its id, and check that it belongs to this \
             application"
        }
        7_000_222 => {
            "the client secret has expired: make a new one for the app registration and store it"
        }
        7_000_216 | 7_000_218 => {
            "no credential of the application arrived: add a client secret or a certificate to the connection or, where a \
             user signs in without one, allow public client flows in the app registration"
        }
        700_016 => {
            "the tenant does not know the application: the client id or the tenant id is wrong, or the application \
             was never consented to in this tenant"
        }
        700_038 => {
            "the client id is malformed: copy the application (client) id of the app registration"
        }
        7_000_229 => {
            "the application has no service principal in this tenant: have an administrator consent to it there"
        }
        7_000_112 => {
            "the application is disabled in this tenant: enable the enterprise application"
        }
        90_002 => {
            "the tenant was not found: the tenant id is wrong, or it is a tenant of another cloud"
        }
        900_023 => {
            "the tenant id is malformed: it must be a GUID or a verified domain of the tenant"
        }
        90_013 | 900_144 => {
            "a parameter of the sign-in is missing or malformed: check that no field is blank"
        }
        70_011 | 1_002_012 => {
            "the scope is not valid here: the addresses of login and Graph are of two clouds"
        }
        500_011 => {
            "the tenant does not know this Graph address: the addresses of login and Graph are of two clouds"
        }
        70_003 => "the sign-in service does not support this way of signing in",
        700_027 => {
            "the certificate is not registered with the application, or has expired: upload it and check its thumbprint"
        }
        700_024 => "the signed assertion is out of its time: the clock of this machine is wrong",
        700_021 | 700_023 | 700_030 | 50_027 => {
            "the signed assertion is for another application or address: check the client id, the certificate and the \
             login address"
        }
        700_025 => {
            "the app registration is a public client, which sends no credential: register it as confidential"
        }
        70_021 | 700_211 | 700_212 | 700_213 => {
            "no federated credential of the application fits the token: issuer, subject and audience must match exactly"
        }
        9_001_023 => {
            "an application signs in to one tenant: give its tenant id instead of `common`"
        }
        50_126 => {
            "the user name or the password is wrong: check both, for repeated tries lock the account"
        }
        50_034 => "the tenant has no such user: check the user name and the tenant",
        50_053 => {
            "the account is locked or the address is blocked: wait or unlock it, and find out why"
        }
        50_055 | 50_056 => "the password has expired or is missing: change it at the sign-in page",
        50_057 => "the account is disabled: enable it or use another",
        50_072 | 50_074 | 50_076 | 50_079 | 50_158 => {
            "the account needs a second factor, which this way of signing in cannot give: sign in as the application, or \
             add the secret key of an authenticator app as `otp_secret`"
        }
        50_011 => {
            "the app registration does not know where to send the user back to: add `http://localhost` to its redirect \
             URIs, under mobile and desktop applications"
        }
        50_020 => "the user belongs to another tenant: use a user of the tenant itself",
        50_105 => {
            "the user is not assigned to the application: assign it in the enterprise application"
        }
        500_121 => {
            "the one-time code was not accepted: check `otp_secret` and this machine's clock, and that no other program \
             signs in with this account"
        }
        65_001 => {
            "nobody has consented to the permissions: have an administrator grant consent in this tenant"
        }
        53_000..=53_004 | 530_032 | 530_035 => {
            "a Conditional Access policy blocks the sign-in: ask its owner to exempt this application or its location"
        }
        50_058 | 50_133 | 50_173 | 54_005 | 70_000 | 70_008 | 70_043 | 700_082 => {
            "the stored sign-in is no longer valid: sign in anew"
        }
        50_196 => {
            "the sign-in service saw too many equal requests: wait some minutes before the next run"
        }
        90_055 => "the tenant is throttled: wait and run it again",
        50_033 | 90_006 | 90_024 | 90_033 => {
            "the sign-in service has a passing fault: run it again"
        }
        90_038 | 900_382 | 900_432 => {
            "the tenant belongs to another cloud: choose that cloud for the connection"
        }
        _ => return None,
    };
    Some(Advice {
        sentence,
        transient,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_credential_errors_are_never_transient() {
        for code in [
            7_000_215, 7_000_222, 700_016, 700_027, 50_126, 50_053, 53_003, 50_196, 90_002,
        ] {
            assert!(
                advice(code).is_some_and(|advice| !advice.transient),
                "{code}"
            );
        }
    }

    #[test]
    fn a4_passing_faults_are_transient() {
        for code in [90_055, 90_033, 90_006, 90_024, 50_033] {
            assert!(
                advice(code).is_some_and(|advice| advice.transient),
                "{code}"
            );
        }
    }

    #[test]
    fn a4_sentences_are_fragments() {
        for code in (0..1_000_000)
            .chain(7_000_000..7_001_000)
            .chain([1_002_012, 9_001_023])
        {
            if let Some(advice) = advice(code) {
                assert!(
                    !advice.sentence.ends_with('.') && !advice.sentence.contains("  "),
                    "{code}"
                );
            }
        }
        assert_eq!(advice(1), None);
    }
}
