//! A list as the admin centre's "Download users" gives it, with everything in it that such lists have: members, guests,
//! people whom the tenant does not know, the same person under two names, repeated and broken lines.

use std::io::Cursor;

use entra_emulator::{Tenant, User};
use tipstaff::Assets;

/// "Download users" of the Microsoft Entra admin centre.
const HEADER: &str = "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,\
usageLocation,streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,mobilePhone,\
alternateEmailAddress,ageGroup,consentProvidedForMinor,legalAgeGroupClassification,companyName,creationType,\
directorySynced,invitationState,identityIssuer,createdDateTime";

/// Members of the tenant who are in the list, and some who are not.
pub(crate) const LISTED: usize = 230;
const UNLISTED: usize = 10;
pub(crate) const GUESTS: usize = 30;
pub(crate) const UNKNOWN: usize = 20;
/// Members who are in the list a second time, under their principal name alone.
pub(crate) const BY_NAME: usize = 8;
/// Members who are in the list a second time, with their object id in upper case.
pub(crate) const IN_CAPITALS: usize = 4;
pub(crate) const REPEATED: usize = 5;
pub(crate) const BROKEN: usize = 6;
/// How many have an outcome.
pub(crate) const ALL: usize = LISTED + GUESTS + UNKNOWN + BY_NAME + IN_CAPITALS + BROKEN;

pub(crate) struct List {
    pub(crate) tenant: Tenant,
    text: String,
}

fn row(name: &str, id: &str, kind: &str) -> String {
    let mut cells = vec![""; HEADER.split(',').count()];
    (cells[0], cells[1], cells[5], cells[6]) = (name, "\"Ünal, Çağla\"", id, kind);
    cells[9] = "True";
    // As it stands in the file of somebody who hopes that it will be opened with a spreadsheet.
    cells[8] = "\"=HYPERLINK(\"\"https://example.com\"\")\"";
    cells.join(",")
}

impl List {
    pub(crate) fn new() -> Self {
        let guests = (1..=GUESTS).map(|n| User::guest(format!("guest{n}@partner.example")));
        let tenant = Tenant::builder()
            .seed_users(LISTED + UNLISTED)
            .users(guests)
            .build();
        let (members, guests) = tenant.users().split_at(LISTED + UNLISTED);
        let of = |user: &User, kind| row(user.principal_name(), &user.id().to_string(), kind);
        let mut rows: Vec<String> = Vec::new();
        rows.extend(members[..LISTED].iter().map(|user| of(user, "Member")));
        rows.extend(guests.iter().map(|user| of(user, "Guest")));
        rows.extend((0..UNKNOWN).map(|n| {
            let id = format!("dddddddd-0000-4000-8000-{n:012}");
            row(&format!("gone{n}@contoso.example"), &id, "Member")
        }));
        rows.extend(
            members[..BY_NAME]
                .iter()
                .map(|user| row(user.principal_name(), "", "Member")),
        );
        // From the tenth on ids have letters, so that capitals differ.
        let capitals = &members[9..9 + IN_CAPITALS];
        rows.extend(capitals.iter().map(|user| {
            row(
                user.principal_name(),
                &user.id().to_string().to_uppercase(),
                "Member",
            )
        }));
        rows.extend(rows[..REPEATED].to_vec());
        for n in 0..BROKEN {
            // In between, so that what follows has to go on.
            rows.insert(n * 7, "too,few,cells".to_owned());
        }
        let text = format!("\u{feff}{HEADER}\r\n{}\r\n", rows.join("\r\n"));
        Self { tenant, text }
    }

    pub(crate) fn assets(&self) -> Assets {
        Assets::csv(Cursor::new(self.text.clone().into_bytes())).unwrap()
    }

    /// The object ids of the members who are in the list.
    pub(crate) fn listed(&self) -> Vec<String> {
        crate::ids(&self.tenant)[..LISTED].to_vec()
    }
}
