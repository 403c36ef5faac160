//! A connection in words: where it leads, and where its secrets are. It has no secret to show.

use tipstaff::connection::NetworkPolicy;
use tipstaff::{Cloud, Connection, Quota};

use super::table::pairs;
use crate::printer::Paint;

/// All of it.
pub(crate) fn connection(connection: &Connection, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.heading(connection.name()));
    let mut lines = vec![
        ("adapter", connection.adapter().to_owned()),
        ("cloud", cloud(connection.which_cloud())),
    ];
    lines.extend(
        connection
            .fields()
            .map(|(name, value)| (name, value.to_owned())),
    );
    lines.extend(connection.secrets().map(|(name, source)| {
        let state = match source.is_there() {
            Ok(()) => "there".to_owned(),
            Err(error) => format!("missing: {error}"),
        };
        (name, format!("in {} ({state})", source.describe()))
    }));
    lines.extend(connection.which_certificate().map(|certificate| {
        let state = match certificate.is_there() {
            Ok(()) => "there".to_owned(),
            Err(error) => format!("not usable: {error}"),
        };
        (
            "certificate",
            format!("{} ({state})", certificate.describe()),
        )
    }));
    let network = connection.how_to_connect();
    let verified = if network.verify_ssl {
        "true"
    } else {
        "false: whoever stands between can read its credentials"
    };
    lines.push(("verify_ssl", verified.to_owned()));
    if let Some(path) = &network.ca_file {
        let state = match std::fs::metadata(path) {
            Ok(_) => "there".to_owned(),
            Err(error) => format!("missing: {error}"),
        };
        lines.push(("ca_file", format!("{} ({state})", path.display())));
    }
    if let Some(reach) = private(&network.private) {
        lines.push(("allow_private_network", reach));
    }
    if !network.pins.is_empty() {
        let pins = network.pins.iter().map(ToString::to_string);
        lines.push(("pin_sha256", pins.collect::<Vec<_>>().join(", ")));
    }
    if let Some(proxy) = connection.which_proxy() {
        let account = match &proxy.account {
            None => String::new(),
            Some((username, password)) => {
                format!(" as {username}, password in {}", password.describe())
            }
        };
        lines.push(("https_proxy", format!("{}{account}", proxy.address)));
    }
    lines.push((
        "quota",
        quota(connection.which_quota(), connection.which_cloud()),
    ));
    text.push_str(&pairs(&lines, 2));
    text
}

/// `global`, or own addresses.
pub(crate) fn cloud(cloud: &Cloud) -> String {
    match cloud {
        Cloud::Named(name) => name.clone(),
        Cloud::Own(addresses) => addresses
            .iter()
            .map(|(name, address)| format!("{name} = {address}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// Which addresses that are not public may be reached, if any.
fn private(policy: &NetworkPolicy) -> Option<String> {
    if policy.all_private {
        return Some("true: every address that is not public".to_owned());
    }
    let networks = policy.networks.iter().map(ToString::to_string);
    let reach: Vec<String> = networks.chain(policy.hosts.iter().cloned()).collect();
    (!reach.is_empty()).then(|| reach.join(", "))
}

fn quota(quota: &Quota, cloud: &Cloud) -> String {
    match (quota, cloud) {
        (Quota::Published, _) | (Quota::ByCloud, Cloud::Named(_)) => {
            "as the action says that the service publishes it".to_owned()
        }
        (Quota::Unlimited, _) | (Quota::ByCloud, Cloud::Own(_)) => {
            "none of our own: the service says when to wait".to_owned()
        }
        (Quota::Set(lanes), _) => lanes
            .iter()
            .map(|(lane, (units, window))| {
                format!("{lane}: {units} in {}", crate::text::duration(*window))
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests {
    use tipstaff::{Secret, SecretSource};

    use super::*;

    #[test]
    fn a_connection_says_where_its_secrets_are_and_never_what() {
        let given = Connection::entra("corp")
            .tenant_id("11111111-2222-3333-4444-555555555555")
            .client_id("66666666-7777-8888-9999-000000000000")
            .client_secret(SecretSource::Env("TIPSTAFF_TEST_NOT_SET".to_owned()))
            .secret(
                "password",
                SecretSource::Given(Secret::new("s3cr3t".to_owned())),
            );
        insta::assert_snapshot!(connection(&given, Paint::plain()), @r"
        corp
          adapter        azure_ad_adapter
          cloud          global
          client_id      66666666-7777-8888-9999-000000000000
          tenant_id      11111111-2222-3333-4444-555555555555
          client_secret  in environment variable `TIPSTAFF_TEST_NOT_SET` (missing: environment variable `TIPSTAFF_TEST_NOT_SET` is not set)
          password       in given by the embedding program (there)
          verify_ssl     true
          quota          as the action says that the service publishes it
        ");
    }
}
