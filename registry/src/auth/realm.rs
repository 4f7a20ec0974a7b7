//! Whether a token service may be a registry's own.
//!
//! A registry's answer names the service that gets the user's password, so the name must follow from the registry's.
//! There is no list of public suffixes here. Allowed are: the same host; a host below the registry's; a host above it,
//! or beside it under the same last two labels, where these two are one owner's (not `co.uk`, not a host that rents
//! out names such as `amazonaws.com`); a table of pairs; and what was configured. Addresses must be equal.

use url::{Host, Url};

use crate::{
    address::{Registry, is_loopback},
    error::{Refusal, excerpt},
};

/// Checks a realm before anything is sent there. `plain` is whether the registry itself is spoken to in plain HTTP.
pub(crate) fn check(registry: &Registry, realm: &Url, plain: bool, trusted: &[String]) -> Result<(), Refusal> {
    let shown = || excerpt(realm.as_str().split('?').next().unwrap_or_default().as_bytes());
    let Some(host) = realm.host().filter(|_| realm.username().is_empty() && realm.password().is_none()) else {
        return Err(Refusal::Address { url: shown() });
    };
    let same = host.to_string() == registry.host_text();
    match realm.scheme() {
        "https" => {}
        // what is sent there could be read on the way to the registry as well
        "http" if plain && (same || is_loopback(&host)) => {}
        "http" => return Err(Refusal::PlainRealm { realm: shown() }),
        _ => return Err(Refusal::Address { url: shown() }),
    }
    let both_loopback = registry.is_loopback() && is_loopback(&host);
    let configured = trusted.iter().any(|name| name.eq_ignore_ascii_case(&host.to_string()));
    match same || both_loopback || configured || belongs(registry, &host) {
        true => Ok(()),
        false => Err(Refusal::ForeignRealm { realm: excerpt(host.to_string().as_bytes()) }),
    }
}

fn belongs(registry: &Registry, realm: &Host<&str>) -> bool {
    let Host::Domain(realm) = realm else { return false };
    let Some(own) = registry.host_domain() else { return false };
    let (own, realm) = (own.trim_end_matches('.'), realm.trim_end_matches('.'));
    let known = |(registry, service): &(&str, &str)| under(own, registry) && under(realm, service);
    let above_or_below = (under(realm, own) && own.contains('.')) || (under(own, realm) && realm.contains('.'));
    above_or_below || same_owner(own, realm) || PAIRS.iter().any(known) || is_aliyun(own, realm)
}

/// Alibaba Cloud's registries share one token service per region, under a domain that also rents out names.
fn is_aliyun(own: &str, realm: &str) -> bool {
    let labels: Vec<_> = realm.split('.').collect();
    let [service, region, "aliyuncs", "com"] = labels[..] else { return false };
    let services = ["dockerauth", "dockerauth-vpc", "dockerauth-ee", "dockerauth-ee-vpc"];
    services.contains(&service) && !region.starts_with("oss") && own.split('.').any(|label| label == region)
}

/// Whether this name is the other, or below it.
fn under(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether both end in the same two labels, and these are a name that one owner has registered.
fn same_owner(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (last_two(a), last_two(b)) else { return false };
    a == b && !RENTED.contains(&a) && !is_public(a)
}

fn last_two(name: &str) -> Option<&str> {
    let dot = name.rfind('.')?;
    Some(name[..dot].rfind('.').map_or(name, |before| &name[before + 1..]))
}

/// Under a country's code, second labels that are short or generic are the registry operator's: `co.uk`, `com.au`.
fn is_public(pair: &str) -> bool {
    let (second, top) = pair.split_once('.').expect("two labels have a dot between them");
    GENERIC.contains(&second) || (top.len() == 2 && second.len() <= 3)
}

/// Registries (or names above them) with token services under other names.
const PAIRS: [(&str, &str); 4] = [
    ("docker.io", "auth.docker.io"),
    ("dhi.io", "auth.docker.io"),
    ("lscr.io", "ghcr.io"),
    ("nvcr.io", "authn.nvidia.com"),
];

/// Second labels under which strangers register names, in any country.
const GENERIC: [&str; 16] =
    ["com", "co", "net", "org", "gov", "edu", "ac", "ne", "or", "go", "mil", "nom", "info", "gob", "gouv", "govt"];

/// Names under which strangers get hosts from one provider, or one cluster.
const RENTED: [&str; 40] = [
    "amazonaws.com",
    "awsapprunner.com",
    "cloudfront.net",
    "on.aws",
    "azurewebsites.net",
    "azurecr.io",
    "windows.net",
    "cloudapp.net",
    "azure.com",
    "azurefd.net",
    "azureedge.net",
    "appspot.com",
    "run.app",
    "web.app",
    "pkg.dev",
    "googleapis.com",
    "googleusercontent.com",
    "cloudfunctions.net",
    "github.io",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "vercel.app",
    "netlify.app",
    "herokuapp.com",
    "fly.dev",
    "onrender.com",
    "railway.app",
    "ngrok.io",
    "ngrok.app",
    "ngrok-free.app",
    "trycloudflare.com",
    "aliyuncs.com",
    "myqcloud.com",
    "nip.io",
    "sslip.io",
    "duckdns.org",
    "dyndns.org",
    "ondigitalocean.app",
    "cluster.local",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(registry: &str, realm: &str) -> bool {
        judge(registry, realm, false).is_ok()
    }

    fn judge(registry: &str, realm: &str, plain: bool) -> Result<(), Refusal> {
        let registry = Registry::of(&format!("{registry}/a").parse().unwrap()).unwrap();
        check(&registry, &Url::parse(realm).unwrap(), plain, &[])
    }

    #[test]
    fn own_host_and_own_domain_are_allowed() {
        for (registry, realm) in [
            ("ghcr.io", "https://ghcr.io/token"),
            ("reg.example.com:5000", "https://reg.example.com:5001/token"),
            ("reg.example.com", "https://auth.example.com/token"),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("docker.io", "https://auth.docker.io/token"),
            ("quay.io", "https://quay.io/v2/auth"),
            ("a.example.co.uk", "https://auth.a.example.co.uk/token"),
            ("x.azurecr.io", "https://x.azurecr.io/oauth2/token"),
            ("lscr.io", "https://ghcr.io/token"),
            ("registry.cn-hangzhou.aliyuncs.com", "https://dockerauth.cn-hangzhou.aliyuncs.com/auth"),
            ("10.0.0.1:5000", "https://10.0.0.1:5001/token"),
        ] {
            assert!(allowed(registry, realm), "{registry} {realm}");
        }
    }

    #[test]
    fn foreign_hosts_are_refused() {
        for (registry, realm) in [
            ("ghcr.io", "https://evil.example/token"),
            ("reg.example.com", "https://reg.example.com.evil.org/"),
            ("reg.example.com", "https://evilexample.com/"),
            ("a.co.uk", "https://b.co.uk/token"),
            ("a.com.au", "https://b.com.au/token"),
            ("one.azurecr.io", "https://two.azurecr.io/token"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", "https://evil.s3.amazonaws.com/"),
            ("reg.team-a.svc.cluster.local:80", "https://x.team-b.svc.cluster.local/"),
            ("10.0.0.1:5000", "https://10.0.0.2/token"),
            ("localhost:5000", "https://evil.example/token"),
            ("evil.example", "https://auth.docker.io/token"),
            ("registry.cn-hangzhou.aliyuncs.com", "https://dockerauth.oss-cn-hangzhou.aliyuncs.com/auth"),
            ("localhost", "https://com/token"),
        ] {
            assert!(matches!(judge(registry, realm, false), Err(Refusal::ForeignRealm { .. })), "{registry} {realm}");
        }
    }

    #[test]
    fn loopback_realm_is_for_loopback_registries_only() {
        assert!(judge("127.0.0.1:5000", "http://localhost:5001/token", true).is_ok());
        assert!(judge("reg.example.com", "https://127.0.0.1/token", false).is_err());
        assert!(judge("reg.example.com", "http://127.0.0.1/token", true).is_err());
    }

    #[test]
    fn plain_realm_is_refused_to_a_registry_with_tls() {
        assert!(matches!(judge("ghcr.io", "http://ghcr.io/token", false), Err(Refusal::PlainRealm { .. })));
        assert!(matches!(judge("127.0.0.1:1", "http://127.0.0.1:2/", false), Err(Refusal::PlainRealm { .. })));
        assert!(judge("reg.example.com:5000", "http://reg.example.com:5001/", true).is_ok());
        assert!(judge("reg.example.com:5000", "http://auth.example.com/", true).is_err());
    }

    #[test]
    fn realm_with_a_password_or_of_another_kind_is_refused() {
        assert!(matches!(judge("ghcr.io", "https://u:p@ghcr.io/token", false), Err(Refusal::Address { .. })));
        assert!(matches!(judge("ghcr.io", "ftp://ghcr.io/token", false), Err(Refusal::Address { .. })));
    }

    #[test]
    fn configured_realm_is_trusted_by_its_whole_name() {
        let registry = Registry::of(&"reg.example.com/a".parse().unwrap()).unwrap();
        let trusted = ["sso.corp.test".to_owned()];
        let check = |realm: &str| check(&registry, &Url::parse(realm).unwrap(), false, &trusted);
        assert!(check("https://sso.corp.test/token").is_ok());
        assert!(check("https://x.sso.corp.test/token").is_err());
        assert!(check("http://sso.corp.test/token").is_err());
    }
}
