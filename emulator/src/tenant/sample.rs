//! The people of [`Tenant::sample`](super::Tenant::sample).

use uuid::Uuid;

use super::user::User;

/// A dozen people, with ids that are easy to recognise: `a0000000-0000-4000-8000-000000000001` and following.
pub(crate) fn people() -> Vec<User> {
    let people = vec![
        User::member("ada@contoso.example")
            .named("Ada Lovelace")
            .with_assigned_app("Salesforce")
            .with_assigned_app("Jira"),
        User::member("grace@contoso.example")
            .named("Grace Hopper")
            .with_proxy_address("smtp:g.hopper@contoso.com"),
        User::member("alan@contoso.example")
            .named("Alan Turing")
            .synced("q83vASNFZ4k="),
        User::member("katherine@contoso.example").named("Katherine Johnson"),
        User::member("edsger@contoso.example")
            .named("Edsger Dijkstra")
            .disabled(),
        User::member("łukasz@contoso.example").named("Łukasz Żółć"),
        // Two accounts of one person share a mail address: looking it up is ambiguous.
        User::member("barbara@contoso.example")
            .named("Barbara Liskov")
            .with_mail(Some("b.liskov@contoso.example")),
        User::member("barbara.admin@contoso.example")
            .named("Barbara Liskov (admin)")
            .with_mail(Some("b.liskov@contoso.example"))
            .with_directory_role("User Administrator")
            .with_password("Correct-Horse-9"),
        User::guest("tim@partner.example").named("Tim Berners-Lee (partner)"),
        User::guest("radia@supplier.example")
            .named("Radia Perlman (supplier)")
            .with_external_state(Some("PendingAcceptance")),
        User::member("o'neil+tag@contoso.example").named("Anne O'Neil"),
        User::member("break-glass@contoso.onmicrosoft.com")
            .named("Break glass")
            .with_mail(None)
            .with_directory_role("Global Administrator"),
    ];
    people
        .into_iter()
        .zip(1u128..)
        .map(|(user, number)| {
            user.with_id(Uuid::from_u128(
                0xa000_0000_0000_4000_8000_0000_0000_0000 | number,
            ))
        })
        .collect()
}
