//! The filters that find a user who cannot be named in a path: declared in the manifest, written in requests, and held
//! against answers, all from here.

use crate::names::Name;

/// One way to find a user.
#[derive(Debug)]
pub(crate) struct Find {
    /// The id of its call.
    pub call: &'static str,
    /// The filter up to the literal.
    pub before: &'static str,
    /// What the literal begins with, before the name.
    pub prefix: &'static str,
    /// The filter after the literal.
    pub after: &'static str,
    /// The whole form, as the manifest declares it.
    pub form: &'static str,
    /// The fields of an identity whose values are asked for in this way.
    pub fields: &'static [&'static str],
    /// The property of the user that has to be the literal.
    pub echo: &'static str,
    /// What an answer teaches, and the property that has to be the literal.
    pub learns: &'static [(&'static str, &'static str)],
    /// For the person who approves.
    pub purpose: &'static str,
}

/// By principal name: such names as cannot stand in a path ("Get a user").
const PRINCIPAL: Find = Find {
    call: "find",
    before: "userPrincipalName eq ",
    prefix: "",
    after: "",
    form: "userPrincipalName eq '{name}'",
    fields: &["id", "username"],
    echo: "userPrincipalName",
    learns: &[("id", "userPrincipalName")],
    purpose: "find a user whose principal name cannot stand in a path",
};

const MAIL: Find = Find {
    call: "find-by-mail",
    before: "mail eq ",
    prefix: "",
    after: "",
    form: "mail eq '{name}'",
    fields: &["username", "mail"],
    echo: "mail",
    learns: &[("id", "mail")],
    purpose: "find a user by the mail address",
};

/// The kind of a mail address among proxy addresses is `SMTP` for the first and `smtp` for the others; the comparison
/// is without regard to case ("proxyAddresses").
const ADDRESS: Find = Find {
    call: "find-by-address",
    before: "proxyAddresses/any(a:a eq ",
    prefix: "smtp:",
    after: ")",
    form: "proxyAddresses/any(a:a eq 'smtp:{name}')",
    fields: &["username", "mail", "proxy_addresses"],
    echo: "proxyAddresses",
    learns: &[("id", "proxyAddresses")],
    purpose: "find a user by any of the mail addresses",
};

/// The same with the kind in the name. The variable has another letter so that no filter is of both forms.
const PROXY: Find = Find {
    call: "find-by-proxy-address",
    before: "proxyAddresses/any(p:p eq ",
    prefix: "",
    after: ")",
    form: "proxyAddresses/any(p:p eq '{name}')",
    fields: &["proxy_addresses"],
    echo: "proxyAddresses",
    learns: &[("id", "proxyAddresses")],
    purpose: "find a user by a proxy address",
};

const IMMUTABLE_ID: Find = Find {
    call: "find-by-immutable-id",
    before: "onPremisesImmutableId eq ",
    prefix: "",
    after: "",
    form: "onPremisesImmutableId eq '{name}'",
    fields: &["on_premises_immutable_id"],
    echo: "onPremisesImmutableId",
    learns: &[("id", "onPremisesImmutableId")],
    purpose: "find a user by what ties the account to one on premises",
};

impl Find {
    /// Every way.
    pub(crate) const ALL: [Self; 5] = [PRINCIPAL, MAIL, ADDRESS, PROXY, IMMUTABLE_ID];

    /// The way to find a user of this name; none if the path can hold it.
    pub(crate) fn of(name: &Name) -> Option<&'static Self> {
        Some(match name {
            Name::ObjectId(_) => return None,
            Name::Principal(_) if name.fits_path() => return None,
            Name::Principal(_) => &PRINCIPAL,
            Name::Mail(_) => &MAIL,
            Name::Address(_) => &ADDRESS,
            Name::Proxy(_) => &PROXY,
            Name::ImmutableId(_) => &IMMUTABLE_ID,
        })
    }

    /// The filter that finds `name`. In OData a quote in a literal is doubled (OData 4.01 ABNF, SQUOTE-in-string).
    pub(crate) fn filter(&self, name: &str) -> String {
        format!(
            "{}'{}{}'{}",
            self.before,
            self.prefix,
            name.replace('\'', "''"),
            self.after
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_is_what_is_sent() {
        for find in Find::ALL {
            assert_eq!(find.filter("{name}"), find.form);
        }
        assert_eq!(
            ADDRESS.filter("o'neil@x.example"),
            "proxyAddresses/any(a:a eq 'smtp:o''neil@x.example')"
        );
    }
}
