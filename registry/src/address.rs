//! Where a registry may be: the one place that judges hosts and addresses.
//!
//! Link-local and metadata addresses are never registries, whether written out, reached by a redirect or found by the
//! name service. Names are judged as the URL library normalises them, so that `2852039166` is the address it means.
//! Where a proxy is configured, it is the proxy that resolves names, and its rules that hold for what it finds.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use oci::Repository;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{
    RegistryError,
    error::{Refusal, excerpt},
};

/// A registry as its repositories name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry {
    /// The name as people write it, port included: `docker.io`, `localhost:5000`.
    pub(crate) name: String,
    /// Where its API is, port included.
    pub(crate) authority: String,
    /// The API's host in normal form.
    host: Host<String>,
}

impl Registry {
    pub(crate) fn of(repository: &Repository) -> Result<Self, RegistryError> {
        let name = repository.domain().to_owned();
        let authority = if name == HUB { HUB_API.to_owned() } else { name.clone() };
        let host = Url::parse(&format!("https://{authority}/")).ok().and_then(|url| url.host().map(|h| h.to_owned()));
        match host {
            Some(host) => Ok(Self { name, authority, host }),
            None => {
                let refusal = Refusal::Address { url: excerpt(authority.as_bytes()) };
                Err(RegistryError::Refused { registry: name, refusal })
            }
        }
    }

    /// The server of an address that is no registry's; nothing where the address names none.
    pub(crate) fn at(url: &Url) -> Option<Self> {
        let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        Some(Self { name: authority.clone(), authority, host: url.host()?.to_owned() })
    }

    /// The URL of a path of the API.
    pub(crate) fn url(&self, scheme: Scheme, path: &str) -> Url {
        let text = format!("{}://{}{path}", scheme.as_str(), self.authority);
        Url::parse(&text).expect("an authority that was parsed before, and a path of our own making")
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// The API's host in normal form, without a port.
    pub(crate) fn host_text(&self) -> String {
        self.host.to_string()
    }

    /// The API's host, where it is a name and not an address.
    pub(crate) fn host_domain(&self) -> Option<&str> {
        match &self.host {
            Host::Domain(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn refuse(&self, refusal: Refusal) -> RegistryError {
        RegistryError::Refused { registry: self.name.clone(), refusal }
    }
}

/// HTTP with or without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Which addresses may be contacted.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    allowed: Arc<[IpAddr]>,
}

impl Guard {
    pub(crate) fn new(allowed: Vec<IpAddr>) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Refuses a URL that names a forbidden address outright, or that is no web address. Names are checked when they
    /// are resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refusal> {
        let usable = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let address = || Refusal::Address { url: excerpt(url.as_str().as_bytes()) };
        let ip = match url.host() {
            Some(_) if !usable => return Err(address()),
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(address()),
        };
        match self.forbids(ip) {
            true => Err(Refusal::Forbidden { host: url.host_str().unwrap_or_default().to_owned(), address: ip }),
            false => Ok(()),
        }
    }

    fn forbids(&self, ip: IpAddr) -> bool {
        let plain = unwrapped(ip);
        let forbidden = match plain {
            IpAddr::V4(v4) => {
                v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || METADATA_V4.contains(&v4)
            }
            IpAddr::V6(v6) => {
                v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || METADATA_V6.contains(&v6)
            }
        };
        forbidden && !self.allowed.contains(&ip) && !self.allowed.contains(&plain)
    }
}

/// The name service behind the guard. `localhost` and names below it are loopback without asking, as RFC 6761 wants:
/// a name that is spoken to in plain HTTP must not lead elsewhere.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            if is_localhost(&host) {
                let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                return Ok(Box::new(both.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs);
            }
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            match found.iter().find(|address| guard.forbids(address.ip())) {
                Some(address) => Err(Refusal::Forbidden { host, address: address.ip() }.into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether this host is the machine itself, by its name or address alone.
pub(crate) fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name.as_ref()),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => unwrapped(IpAddr::V6(*ip)).is_loopback(),
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The IPv4 address inside a mapped, a translated (64:ff9b::/96) or a 6to4 (2002::/16) IPv6 address.
fn unwrapped(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

const HUB: &str = "docker.io";
const HUB_API: &str = "registry-1.docker.io";
/// Alibaba Cloud's; the others' (169.254.169.254, 169.254.170.2) are link-local.
const METADATA_V4: [Ipv4Addr; 1] = [Ipv4Addr::new(100, 100, 100, 200)];
/// Amazon's, for instances, containers and pods.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(), Refusal> {
        Guard::new(Vec::new()).check(&Url::parse(url).unwrap())
    }

    #[test]
    fn every_spelling_of_a_metadata_address_is_refused() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xA9FEA9FE",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "0.0.0.0",
            "[::]",
        ] {
            assert!(matches!(check(&format!("https://{host}/v2/")), Err(Refusal::Forbidden { .. })), "{host}");
        }
    }

    #[test]
    fn neighbours_of_forbidden_addresses_are_not_refused() {
        for host in ["10.0.0.1", "100.100.100.201", "[fd00:ec3::254]", "[fd12::1]", "127.0.0.1", "169.253.1.1"] {
            assert_eq!(check(&format!("https://{host}/v2/")), Ok(()), "{host}");
        }
    }

    #[test]
    fn allowed_address_is_allowed_alone() {
        let guard = Guard::new(vec!["169.254.1.1".parse().unwrap()]);
        assert_eq!(guard.check(&Url::parse("https://169.254.1.1/").unwrap()), Ok(()));
        assert!(guard.check(&Url::parse("https://169.254.1.2/").unwrap()).is_err());
    }

    #[test]
    fn address_with_a_password_or_of_another_kind_is_refused() {
        assert!(check("https://user:pass@a.b/").is_err());
        assert!(check("file:///etc/passwd").is_err());
        assert!(check("ftp://a.b/").is_err());
    }

    #[test]
    fn loopback_is_known_by_address_and_reserved_name_only() {
        let loopback = |domain: &str| Registry::of(&format!("{domain}/a").parse().unwrap()).unwrap().is_loopback();
        for domain in ["localhost:5000", "127.0.0.1", "127.8.9.1:80", "[::1]:5000", "a.localhost:1", "LOCALHOST:1"] {
            assert!(loopback(domain), "{domain}");
        }
        for domain in ["localhost.example:5000", "127.0.0.1.nip.example", "notlocalhost:1", "128.0.0.1", "[::2]:1"] {
            assert!(!loopback(domain), "{domain}");
        }
    }

    #[test]
    fn docker_hub_has_its_api_elsewhere() {
        let hub = Registry::of(&"nginx".parse().unwrap()).unwrap();
        assert_eq!(hub.url(Scheme::Https, "/v2/").as_str(), "https://registry-1.docker.io/v2/");
        assert_eq!(hub.name, "docker.io");
    }
}
