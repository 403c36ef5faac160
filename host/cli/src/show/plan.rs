//! A plan, as somebody sees it before saying yes.

use serde_json::{Map, Value};
use tipstaff::enforcement::Census;
use tipstaff::{Manifest, Plan};

use super::action::plain;
use super::table::pairs;
use crate::printer::Paint;
use crate::text::{assets, counted, harmless, number, short_digest};

/// What is shown of a plan.
pub(crate) struct Sketch {
    action: String,
    connection: String,
    assets: String,
    added: Vec<(String, String)>,
    settings: String,
    digest: String,
}

impl Sketch {
    /// Of a plan for `action` that `approved` says is approved.
    pub(crate) fn of(plan: &Plan, bundled: bool) -> Self {
        let manifest = plan.action().manifest();
        let endpoints: Vec<String> = plan
            .endpoints()
            .map(|(name, address)| format!("{name} {address}"))
            .collect();
        let standing = if bundled {
            "carried by this program"
        } else {
            "approved"
        };
        Self {
            action: format!(
                "{} {} (sha-256 {}), {standing}",
                manifest.name,
                manifest.version,
                short_digest(plan.action().digest()),
            ),
            connection: format!(
                "{} ({}){}",
                plan.connection(),
                endpoints.join(", "),
                others(plan)
            ),
            assets: census(plan.census()),
            added: plan
                .census()
                .added
                .iter()
                .map(|added| {
                    (
                        harmless(&added.id).into_owned(),
                        harmless(&added.setting).into_owned(),
                    )
                })
                .collect(),
            settings: settings(manifest, plan.settings()),
            digest: short_digest(plan.digest()).to_owned(),
        }
    }

    /// The block of text, for notes.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let mut lines = vec![
            ("action", self.action.clone()),
            ("connection", self.connection.clone()),
            ("assets", self.assets.clone()),
        ];
        lines.extend(self.added.iter().map(|(id, setting)| {
            let what = format!("{id}, for the setting `{setting}`; reported apart");
            ("added", what)
        }));
        lines.push(("settings", self.settings.clone()));
        lines.push(("sha-256", self.digest.clone()));
        let lines = pairs(&lines, 2);
        format!("{}\n{lines}", paint.heading("Plan"))
    }
}

/// One line that says what begins, where nobody is asked.
pub(crate) fn beginning(plan: &Plan, simulated: bool) -> String {
    let manifest = plan.action().manifest();
    format!(
        "{} {} {} on connection `{}`: {}, run {}, plan {}\n",
        if simulated { "simulating" } else { "running" },
        manifest.name,
        manifest.version,
        plan.connection(),
        assets(plan.census().assets),
        plan.run_id(),
        short_digest(plan.digest()),
    )
}

/// `; entra-us: 3 assets`, for each connection that dynamic values send assets to.
fn others(plan: &Plan) -> String {
    plan.other_connections()
        .map(|(name, count)| format!("; {name}: {}", assets(count)))
        .collect()
}

/// What somebody is asked.
pub(crate) fn question(plan: &Plan) -> String {
    format!(
        "\n{} {} on connection `{}`{}? [y/N] ",
        doing(plan.action().manifest()),
        assets(plan.census().assets),
        plan.connection(),
        others(plan),
    )
}

/// What is about to happen, up to the number of assets.
fn doing(manifest: &Manifest) -> String {
    format!("Run \"{}\" for", harmless(&manifest.title))
}

/// `12: 9 go to the action, 2 are no assets, 1 is a duplicate`.
fn census(census: &Census) -> String {
    let mut words = Vec::new();
    let mut count = |count: u64, one: &str, many: &str| {
        if count > 0 {
            words.push(counted(count, one, many));
        }
    };
    if census.to_enforce < census.assets {
        count(census.to_enforce, "goes to the action", "go to the action");
    }
    count(census.broken, "line is no asset", "lines are no assets");
    count(census.duplicates, "is a duplicate", "are duplicates");
    count(
        census.unsuited,
        "has no fitting identity",
        "have no fitting identity",
    );
    count(census.repeated, "line repeats an id", "lines repeat an id");
    if words.is_empty() {
        number(census.assets)
    } else {
        format!("{}: {}", number(census.assets), words.join(", "))
    }
}

/// What differs from the defaults.
fn settings(manifest: &Manifest, settings: &str) -> String {
    let settings: Map<String, Value> = serde_json::from_str(settings).unwrap_or_default();
    let default = |name: &str| {
        let members = manifest.settings_schema.get("properties")?;
        members.get(name)?.get("default")
    };
    let set: Vec<String> = settings
        .iter()
        .filter(|(name, value)| default(name) != Some(value))
        .map(|(name, value)| format!("{name} = {}", plain(value)))
        .collect();
    if set.is_empty() {
        "all by default".to_owned()
    } else {
        format!("{}; all else by default", set.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_who_does_what_to_whom_and_where() {
        let sketch = Sketch {
            action: "revoke-user-sessions 0.1.0 (sha-256 0123456789ab), carried by this program"
                .to_owned(),
            connection:
                "corp (graph https://graph.microsoft.com, login https://login.microsoftonline.com)"
                    .to_owned(),
            assets: census(&Census {
                assets: 5_000,
                to_enforce: 4_949,
                broken: 50,
                duplicates: 1,
                repeated: 2,
                ..Census::default()
            }),
            added: vec![("canary:test@contoso.com".to_owned(), "canary".to_owned())],
            settings: "guests = attempt; all else by default".to_owned(),
            digest: "ba9876543210".to_owned(),
        };
        insta::assert_snapshot!(sketch.render(Paint::plain()), @r"
        Plan
          action      revoke-user-sessions 0.1.0 (sha-256 0123456789ab), carried by this program
          connection  corp (graph https://graph.microsoft.com, login https://login.microsoftonline.com)
          assets      5,000: 4,949 go to the action, 50 lines are no assets, 1 is a duplicate, 2 lines repeat an id
          added       canary:test@contoso.com, for the setting `canary`; reported apart
          settings    guests = attempt; all else by default
          sha-256     ba9876543210
        ");
    }

    #[test]
    fn a_plain_list_is_a_number() {
        let plain = Census {
            assets: 3,
            to_enforce: 3,
            ..Census::default()
        };
        assert_eq!(census(&plain), "3");
    }
}
