//! What a tenant is made of, before it is served: its names, its applications, its people.
//!
//! A [`Tenant`] is plain data. What happens to it while it is served lives in [`directory`].

mod app;
pub(crate) mod cloud;
pub(crate) mod directory;
mod sample;
pub(crate) mod seed;
mod user;

use uuid::Uuid;

pub use app::{App, ClientSecret, Federated, Hidden};
pub use cloud::Cloud;
pub use seed::SeedError;
pub(crate) use user::derived_id;
pub use user::{Mfa, User, UserType};

/// The tenant id of [`Tenant::builder`] until another is set.
pub const DEFAULT_TENANT_ID: Uuid = Uuid::from_u128(0x1111_1111_2222_3333_4444_5555_5555_5555);

/// An Entra tenant: plain data, from which an [`Emulator`](crate::Emulator) starts.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) domains: Vec<String>,
    pub(crate) cloud: Cloud,
    pub(crate) premium: bool,
    pub(crate) apps: Vec<App>,
    pub(crate) users: Vec<User>,
}

impl Tenant {
    /// An empty tenant called Contoso, in the global cloud, with the domains `contoso.onmicrosoft.com`,
    /// `contoso.example` and `contoso.com`.
    pub fn builder() -> TenantBuilder {
        TenantBuilder(Self {
            id: DEFAULT_TENANT_ID,
            name: "Contoso".to_owned(),
            domains: vec![
                "contoso.onmicrosoft.com".into(),
                "contoso.example".into(),
                "contoso.com".into(),
            ],
            cloud: Cloud::Global,
            premium: true,
            apps: Vec::new(),
            users: Vec::new(),
        })
    }

    /// A dozen people to try things on: members, two guests, a disabled account, synchronised ones, two who share a
    /// mail address, an administrator, a break-glass account.
    #[must_use]
    pub fn sample() -> Self {
        Self::builder().users(sample::people()).build()
    }

    /// The tenant's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Its applications. There is at least one.
    #[must_use]
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// Its people, as they were when the tenant was made.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Whether `name`, a segment of a path, is this tenant's id or one of its domains.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        Uuid::try_parse(name).is_ok_and(|id| id == self.id)
            || self
                .domains
                .iter()
                .any(|domain| domain.eq_ignore_ascii_case(name))
    }
}

/// Makes a [`Tenant`].
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until `build`"]
pub struct TenantBuilder(Tenant);

impl TenantBuilder {
    /// Sets the tenant's id.
    pub fn id(mut self, id: Uuid) -> Self {
        self.0.id = id;
        self
    }

    /// Sets the name that people read.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Adds a verified domain.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.0.domains.push(domain.into());
        self
    }

    /// Makes `domain` the initial domain, the first of the list.
    pub fn initial_domain(mut self, domain: impl Into<String>) -> Self {
        self.0.domains.insert(0, domain.into());
        self
    }

    /// Sets the cloud in which the tenant lives.
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.0.cloud = cloud;
        self
    }

    /// Whether the tenant has the licence that sign-in logs need; it has by default.
    pub fn premium(mut self, premium: bool) -> Self {
        self.0.premium = premium;
        self
    }

    /// Adds an application. Without any there is [`App::default`].
    pub fn app(mut self, app: App) -> Self {
        self.0.apps.push(app);
        self
    }

    /// Adds a person.
    pub fn user(mut self, user: User) -> Self {
        self.0.users.push(user);
        self
    }

    /// Adds people.
    pub fn users(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.0.users.extend(users);
        self
    }

    /// Adds `count` members with ids `00000000-0000-4000-8000-000000000001` and following (hexadecimal) and names
    /// `user000001@contoso.example` and following (decimal).
    pub fn seed_users(mut self, count: usize) -> Self {
        self.0.users.reserve(count);
        self.0.users.extend((1..=count).map(User::numbered));
        self
    }

    /// The tenant.
    #[must_use]
    pub fn build(mut self) -> Tenant {
        if self.0.apps.is_empty() {
            self.0.apps.push(App::default());
        }
        self.0
    }
}
