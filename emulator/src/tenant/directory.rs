//! The people of a tenant while it is served: who they are by each of their names, and what was done to them.
//!
//! No clock and no lock inside: `now` is a parameter, and the caller holds the lock. People are never removed from
//! the list, so that an index stays good; a deleted person is marked.

use std::borrow::Cow;
use std::collections::HashMap;

use uuid::Uuid;

use super::user::{User, UserType};
use crate::clock::Moment;

/// A kind of name that is neither object id nor principal name. The letter keeps the kinds apart in one map.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alias {
    Mail,
    ProxyAddress,
    ImmutableId,
}

impl Alias {
    fn key(self, value: &str) -> String {
        let mark = match self {
            Self::Mail => 'm',
            Self::ProxyAddress => 'p',
            // Immutable ids are base64, in which case matters.
            Self::ImmutableId => return format!("i{value}"),
        };
        format!("{mark}{}", value.to_lowercase())
    }
}

/// A person and what happened to them.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) user: User,
    /// Before this, refresh tokens and sessions are void.
    valid_from: Moment,
    /// Cut-offs that reads do not see everywhere yet: when they show, and what.
    replicating: Vec<(Moment, Moment)>,
    /// What reads show meanwhile.
    shown: Moment,
    /// The directory's count of changes at the last cut; 0 before any. It orders a cut and a sign-in that happen in the
    /// same millisecond, or while the clock stands still.
    pub(crate) cut_at: u64,
    pub(crate) revocations: u64,
    pub(crate) without_effect: u64,
    pub(crate) deleted: Option<Moment>,
    appears_at: Option<Moment>,
    /// The directory's count of changes when this person last changed.
    pub(crate) changed: u64,
}

impl Record {
    fn new(user: User, now: Moment, changed: u64) -> Self {
        let details = user.details.as_deref();
        let created = details
            .and_then(|details| details.created_date_time)
            .map_or(now, Moment::from);
        let valid_from = details
            .and_then(|details| details.sign_in_sessions_valid_from_date_time)
            .map_or(created, Moment::from);
        let appears_at = details
            .and_then(|details| details.appears_at)
            .map(Moment::from);
        Self {
            user,
            valid_from,
            replicating: Vec::new(),
            shown: valid_from,
            cut_at: 0,
            revocations: 0,
            without_effect: 0,
            deleted: None,
            appears_at,
            changed,
        }
    }

    /// Before this, refresh tokens and sessions are void.
    pub(crate) fn valid_from(&self) -> Moment {
        self.valid_from
    }

    /// What a read at `now` shows as `signInSessionsValidFromDateTime`.
    pub(crate) fn valid_from_as_read(&self, now: Moment) -> Moment {
        self.replicating
            .iter()
            .filter(|(shows, _)| *shows <= now)
            .map(|(_, cut)| *cut)
            .fold(self.shown, Moment::max)
    }

    /// Whether requests at `now` find this person.
    pub(crate) fn is_found(&self, now: Moment) -> bool {
        self.deleted.is_none() && self.appears_at.is_none_or(|at| at <= now)
    }

    fn cut(&mut self, now: Moment, replication_ms: i64) {
        self.valid_from = self.valid_from.max(now);
        self.shown = self.valid_from_as_read(now);
        self.replicating.retain(|(shows, _)| *shows > now);
        if replication_ms <= 0 {
            self.shown = self.valid_from;
        } else if self.replicating.len() < MOST_REPLICATING {
            self.replicating
                .push((now.plus_ms(replication_ms), self.valid_from));
        } else if let Some(last) = self.replicating.last_mut() {
            *last = (now.plus_ms(replication_ms), self.valid_from);
        }
    }
}

/// Cut-offs of one person that are under way at once; more than these are merged into the last.
const MOST_REPLICATING: usize = 16;

/// What a revoke did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// The cut-off time moved.
    Cut,
    /// The person is external: the service says yes and does nothing (microsoft-graph-docs#19012).
    NoEffect,
}

/// All people of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    records: Vec<Record>,
    by_id: HashMap<Uuid, u32>,
    by_principal_name: HashMap<Box<str>, u32>,
    by_alias: HashMap<Box<str>, Vec<u32>>,
    changes: u64,
    living: usize,
}

impl Directory {
    pub(crate) fn new(users: impl IntoIterator<Item = User>, now: Moment) -> Self {
        let mut directory = Self::default();
        for user in users {
            directory.put(user, now);
        }
        directory
    }

    /// Adds a person, or replaces the one with the same object id.
    pub(crate) fn put(&mut self, user: User, now: Moment) {
        self.changes += 1;
        let existing = self.by_id.get(&user.id).copied();
        let index =
            existing.unwrap_or_else(|| u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        if let Some(index) = existing {
            self.forget_names(index);
        } else {
            self.by_id.insert(user.id, index);
        }
        let folded = user.principal_name.to_lowercase();
        if let Some(mail) = user.mail.as_deref()
            && mail.to_lowercase() != folded
        {
            self.by_alias
                .entry(Alias::Mail.key(mail).into())
                .or_default()
                .push(index);
        }
        if let Some(details) = user.details.as_deref() {
            for address in &details.proxy_addresses {
                self.by_alias
                    .entry(Alias::ProxyAddress.key(address).into())
                    .or_default()
                    .push(index);
            }
            if let Some(id) = &details.on_premises_immutable_id {
                self.by_alias
                    .entry(Alias::ImmutableId.key(id).into())
                    .or_default()
                    .push(index);
            }
        }
        self.by_principal_name.insert(folded.into(), index);
        let mut record = Record::new(user, now, self.changes);
        match self.records.get_mut(index as usize) {
            Some(old) => {
                if old.deleted.is_some() {
                    self.living += 1;
                }
                record.revocations = old.revocations;
                record.cut_at = old.cut_at;
                record.without_effect = old.without_effect;
                record.valid_from = record.valid_from.max(old.valid_from);
                record.shown = record.valid_from;
                *old = record;
            }
            None => {
                self.living += 1;
                self.records.push(record);
            }
        }
    }

    fn forget_names(&mut self, index: u32) {
        let Some(record) = self.records.get(index as usize) else {
            return;
        };
        let folded = record.user.principal_name.to_lowercase();
        if self.by_principal_name.get(folded.as_str()) == Some(&index) {
            self.by_principal_name.remove(folded.as_str());
        }
        let mut aliases = Vec::new();
        aliases.extend(
            record
                .user
                .mail
                .as_deref()
                .map(|mail| Alias::Mail.key(mail)),
        );
        if let Some(details) = record.user.details.as_deref() {
            aliases.extend(
                details
                    .proxy_addresses
                    .iter()
                    .map(|address| Alias::ProxyAddress.key(address)),
            );
            aliases.extend(
                details
                    .on_premises_immutable_id
                    .as_deref()
                    .map(|id| Alias::ImmutableId.key(id)),
            );
        }
        for alias in aliases {
            if let Some(indices) = self.by_alias.get_mut(alias.as_str()) {
                indices.retain(|other| *other != index);
            }
        }
    }

    /// Marks a person as deleted. False if there is none of this index.
    pub(crate) fn delete(&mut self, index: usize, now: Moment) -> bool {
        self.changes += 1;
        let changes = self.changes;
        let Some(record) = self.records.get_mut(index) else {
            return false;
        };
        if record.deleted.is_none() {
            self.living -= 1;
        }
        record.deleted = Some(now);
        record.changed = changes;
        true
    }

    /// The index of the person with this object id or principal name, whatever state they are in.
    pub(crate) fn index_of(&self, key: &str) -> Option<usize> {
        // Only the hyphenated form is an object id on the wire; `Uuid` reads others too.
        if key.len() == 36
            && let Ok(id) = Uuid::try_parse(key)
        {
            return self.by_id.get(&id).map(|index| *index as usize);
        }
        let folded: Cow<'_, str> = if key
            .bytes()
            .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
        {
            Cow::Borrowed(key)
        } else {
            Cow::Owned(key.to_lowercase())
        };
        self.by_principal_name
            .get(folded.as_ref())
            .map(|index| *index as usize)
    }

    /// The index of the person whom a request at `now` finds by object id or principal name.
    pub(crate) fn find(&self, key: &str, now: Moment) -> Option<usize> {
        self.index_of(key).filter(|index| {
            self.records
                .get(*index)
                .is_some_and(|record| record.is_found(now))
        })
    }

    /// The people with another name, in the order in which they were added.
    pub(crate) fn with_alias(&self, alias: Alias, value: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .by_alias
            .get(alias.key(value).as_str())
            .into_iter()
            .flatten()
            .map(|index| *index as usize)
            .collect();
        if matches!(alias, Alias::Mail)
            && let Some(index) = self.by_principal_name.get(value.to_lowercase().as_str())
        {
            // Mail equal to the principal name is not in the map a second time.
            let index = *index as usize;
            let mail = self
                .records
                .get(index)
                .and_then(|record| record.user.mail.as_deref());
            if mail.is_some_and(|mail| mail.to_lowercase() == value.to_lowercase()) {
                found.push(index);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Record> {
        self.records.get(index)
    }

    /// Everybody, deleted ones too, in the order in which they were added.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many people are not deleted.
    pub(crate) fn living(&self) -> usize {
        self.living
    }

    /// How many changes there were so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Ends the sessions of a person, as far as that has an effect.
    pub(crate) fn revoke(&mut self, index: usize, now: Moment, replication_ms: i64) -> Revoked {
        self.changes += 1;
        let changes = self.changes;
        let Some(record) = self.records.get_mut(index) else {
            return Revoked::NoEffect;
        };
        if record.user.user_type == UserType::Guest || record.user.is_external() {
            record.without_effect += 1;
            return Revoked::NoEffect;
        }
        record.revocations += 1;
        record.changed = changes;
        record.cut_at = changes;
        record.cut(now, replication_ms);
        Revoked::Cut
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    const NOW: Moment = Moment::from_ms(1_000_000);

    #[test]
    fn a_person_is_found_by_each_name_without_regard_to_case() {
        let ada = User::member("ada@contoso.example")
            .with_proxy_address("smtp:countess@contoso.example")
            .synced("qQ==");
        let id = ada.id().to_string();
        let directory = Directory::new(
            [
                ada,
                User::member("bob@contoso.example").with_mail(Some("b@x.example")),
            ],
            NOW,
        );
        assert_eq!(directory.find(&id.to_uppercase(), NOW), Some(0));
        assert_eq!(directory.find("ADA@contoso.Example", NOW), Some(0));
        assert_eq!(
            directory.with_alias(Alias::Mail, "Ada@contoso.example"),
            [0]
        );
        assert_eq!(directory.with_alias(Alias::Mail, "B@x.example"), [1]);
        assert_eq!(
            directory.with_alias(Alias::Mail, "bob@contoso.example"),
            [0usize; 0]
        );
        assert_eq!(
            directory.with_alias(Alias::ProxyAddress, "SMTP:Countess@contoso.example"),
            [0]
        );
        assert_eq!(directory.with_alias(Alias::ImmutableId, "qQ=="), [0]);
        assert_eq!(
            directory.with_alias(Alias::ImmutableId, "Qq=="),
            [0usize; 0]
        );
        assert_eq!(directory.find(&id.replace('-', ""), NOW), None);
    }

    #[test]
    fn a_replaced_person_loses_the_old_names_and_keeps_the_index() {
        let ada = User::member("ada@contoso.example");
        let mut directory = Directory::new([ada.clone()], NOW);
        directory.put(
            User::member("lovelace@contoso.example").with_id(ada.id()),
            NOW,
        );
        assert_eq!(directory.find("ada@contoso.example", NOW), None);
        assert_eq!(directory.find("lovelace@contoso.example", NOW), Some(0));
        assert_eq!(directory.living(), 1);
        directory.delete(0, NOW);
        assert_eq!(
            (
                directory.find("lovelace@contoso.example", NOW),
                directory.living()
            ),
            (None, 0)
        );
    }

    #[test]
    fn reads_lag_behind_a_cut_by_the_replication_delay() {
        let mut directory = Directory::new([User::member("ada@contoso.example")], NOW);
        assert_eq!(directory.revoke(0, NOW.plus_ms(10), 500), Revoked::Cut);
        assert_eq!(directory.revoke(0, NOW.plus_ms(20), 500), Revoked::Cut);
        let ada = directory.get(0).unwrap();
        assert_eq!(ada.valid_from(), NOW.plus_ms(20));
        assert_eq!(ada.valid_from_as_read(NOW.plus_ms(509)), NOW);
        assert_eq!(ada.valid_from_as_read(NOW.plus_ms(510)), NOW.plus_ms(10));
        assert_eq!(ada.valid_from_as_read(NOW.plus_ms(520)), NOW.plus_ms(20));
    }

    #[test]
    fn a_guest_is_not_cut() {
        let mut directory = Directory::new([User::guest("bob@partner.example")], NOW);
        assert_eq!(directory.revoke(0, NOW.plus_ms(10), 0), Revoked::NoEffect);
        let guest = directory.get(0).unwrap();
        assert_eq!(
            (guest.revocations, guest.without_effect, guest.valid_from()),
            (0, 1, NOW)
        );
    }

    proptest! {
        /// Whatever the order and the delays, a cut-off never moves back, and all is visible in the end.
        #[test]
        fn cut_offs_only_move_forward(steps in prop::collection::vec((0i64..100, 0i64..50), 1..60)) {
            let mut directory = Directory::new([User::member("ada@contoso.example")], NOW);
            let mut now = NOW;
            let mut read = NOW;
            for (wait, delay) in steps {
                now = now.plus_ms(wait);
                directory.revoke(0, now, delay);
                let ada = directory.get(0).unwrap();
                prop_assert_eq!(ada.valid_from(), now);
                let shown = ada.valid_from_as_read(now);
                prop_assert!(shown >= read && shown <= now);
                read = shown;
            }
            let ada = directory.get(0).unwrap();
            prop_assert_eq!(ada.valid_from_as_read(now.plus_ms(1000)), ada.valid_from());
        }
    }
}
