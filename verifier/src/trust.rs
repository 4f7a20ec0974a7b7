//! What signatures are checked against, and what is demanded of them.

use keys::PublicKey;
use oci::Digest;
use rustls_pki_types::UnixTime;

use crate::{
    CertificateAuthority, CertificateError, CertificateLog, ChainFault, TimestampAuthority, TransparencyLog,
    TrustedRootError,
    authority::Others,
    certificate::{Certificate, GivenCertificate},
    path::{Path, Purpose},
    trusted_root,
};

/// Who is trusted to sign, to name signers, to log and to tell the time. Immutable; two with the same contents have
/// the same fingerprint.
#[derive(Debug, Clone)]
pub struct TrustRoot {
    keys: Vec<PublicKey>,
    authorities: Vec<CertificateAuthority>,
    certificate_logs: Vec<CertificateLog>,
    logs: Vec<TransparencyLog>,
    timestamp_authorities: Vec<TimestampAuthority>,
    given: Option<GivenCertificate>,
    carried_chains: bool,
    demands: Demands,
    fingerprint: Digest,
}

/// What a signature must carry beside itself, whoever made it. Given by whoever asks, never by what was found.
///
/// A certificate always needs one verified time, whatever is demanded: it was valid for minutes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demands {
    /// A verified entry in a trusted transparency log.
    pub log_entry: bool,
    /// A verified signed certificate timestamp, of signatures that are made with a certificate.
    pub certificate_log: bool,
    /// A verified RFC 3161 timestamp.
    pub timestamp: bool,
}

impl Demands {
    /// Nothing: a key's signature is enough, and a certificate's with any verified time.
    pub const NOTHING: Self = Self { log_entry: false, certificate_log: false, timestamp: false };
    /// What cosign demands unless told otherwise: entries in both kinds of logs.
    pub const LOGGED: Self = Self { log_entry: true, certificate_log: true, timestamp: false };
}

impl TrustRoot {
    /// Trust in these keys; one given twice counts once. With no keys, nothing is ever verified. Nothing is demanded
    /// beside the signature.
    #[must_use]
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self::empty().with_keys(keys)
    }

    /// Reads Sigstore's `trusted_root.json`. [`Demands::LOGGED`] is demanded.
    ///
    /// # Errors
    /// Fails on JSON that can be read in two ways, on unknown members, on keys and certificates that cannot be used,
    /// on a log without a start of validity, and on a window that ends before it starts.
    pub fn parse_trusted_root(bytes: &[u8]) -> Result<Self, TrustedRootError> {
        trusted_root::parse(bytes).map(|root| root.demanding(Demands::LOGGED))
    }

    fn empty() -> Self {
        Self {
            keys: Vec::new(),
            authorities: Vec::new(),
            certificate_logs: Vec::new(),
            logs: Vec::new(),
            timestamp_authorities: Vec::new(),
            given: None,
            carried_chains: false,
            demands: Demands::NOTHING,
            fingerprint: Digest::of(b""),
        }
    }

    /// The same, and these keys. Signatures by keys must then meet the same demands as others.
    #[must_use]
    pub fn with_keys(mut self, keys: Vec<PublicKey>) -> Self {
        self.keys.extend(keys);
        self.keys.sort_by_key(PublicKey::id);
        self.keys.dedup();
        self.sealed()
    }

    /// The same, and this authority for signers' names.
    #[must_use]
    pub fn with_authority(mut self, authority: CertificateAuthority) -> Self {
        self.authorities.push(authority);
        self.sealed()
    }

    /// The same, and this log of certificates.
    #[must_use]
    pub fn with_certificate_log(mut self, log: CertificateLog) -> Self {
        self.certificate_logs.push(log);
        self.sealed()
    }

    /// The same, and this log of signatures.
    #[must_use]
    pub fn with_log(mut self, log: TransparencyLog) -> Self {
        self.logs.push(log);
        self.sealed()
    }

    /// The same, and this authority for the time.
    #[must_use]
    pub fn with_timestamp_authority(mut self, authority: TimestampAuthority) -> Self {
        self.timestamp_authorities.push(authority);
        self.sealed()
    }

    /// The same, and every signature that is not by one of the keys must be by this certificate in PEM, which itself
    /// must lead to a trusted authority; certificates after it may lie between. Certificates that signatures carry are
    /// no longer looked at.
    ///
    /// # Errors
    /// Fails on text that is not a certificate and at most nine others.
    pub fn with_given_certificate(mut self, pem: &str) -> Result<Self, CertificateError> {
        self.given = Some(GivenCertificate::parse_pem(pem)?);
        Ok(self.sealed())
    }

    /// The same, and bundles of version 0.3 may carry certificates between the signer's and a root, as older versions
    /// may. A root among them is refused all the same.
    #[must_use]
    pub fn with_carried_chains(mut self) -> Self {
        self.carried_chains = true;
        self.sealed()
    }

    /// The same, demanding this and nothing else.
    #[must_use]
    pub fn demanding(mut self, demands: Demands) -> Self {
        self.demands = demands;
        self.sealed()
    }

    /// Without keys the fingerprint is over the rest; with keys alone, it is over their ids alone.
    fn sealed(mut self) -> Self {
        let mut lines: Vec<String> = self.keys.iter().map(|key| key.id().to_string()).collect();
        let mut rest: Vec<String> = self.authorities.iter().map(|a| format!("ca {}", a.chain().describe())).collect();
        rest.extend(self.certificate_logs.iter().map(CertificateLog::describe));
        rest.extend(self.logs.iter().map(TransparencyLog::describe));
        rest.extend(self.timestamp_authorities.iter().map(|authority| {
            let signer = authority.signer().map(|signer| Digest::of(signer.der()).to_string());
            format!("tsa {signer:?} {}", authority.chain().describe())
        }));
        rest.sort();
        rest.dedup();
        lines.extend(rest);
        lines.extend(self.given.as_ref().map(GivenCertificate::describe));
        lines.extend(self.carried_chains.then(|| "carried chains".to_owned()));
        if self.demands != Demands::NOTHING {
            lines.push(format!("{:?}", self.demands));
        }
        self.fingerprint = Digest::of(lines.join("\n").as_bytes());
        self
    }

    /// The keys, in the order of their ids.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The authorities for signers' names.
    #[must_use]
    pub fn authorities(&self) -> &[CertificateAuthority] {
        &self.authorities
    }

    /// The logs of certificates.
    #[must_use]
    pub fn certificate_logs(&self) -> &[CertificateLog] {
        &self.certificate_logs
    }

    /// The logs of signatures.
    #[must_use]
    pub fn logs(&self) -> &[TransparencyLog] {
        &self.logs
    }

    /// The authorities for the time.
    #[must_use]
    pub fn timestamp_authorities(&self) -> &[TimestampAuthority] {
        &self.timestamp_authorities
    }

    /// The next moment after this one at which something begins or ceases to be trusted: evidence that was gathered
    /// before it is to be gathered anew.
    #[must_use]
    pub fn next_edge(&self, after: UnixTime) -> Option<UnixTime> {
        let authorities = self.authorities.iter().map(|authority| authority.chain().window());
        let clocks = self.timestamp_authorities.iter().map(|authority| authority.chain().window());
        let logs = self.logs.iter().map(TransparencyLog::window);
        let windows = authorities.chain(clocks).chain(logs);
        let all = windows.chain(self.certificate_logs.iter().map(CertificateLog::window));
        let edge = all.filter_map(|window| window.next_edge(after)).min();
        edge.map(|seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }

    /// What is demanded of a signature.
    #[must_use]
    pub fn demands(&self) -> Demands {
        self.demands
    }

    /// The digest of what is trusted and demanded, for caches and logs.
    #[must_use]
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// The certificate that signatures must be by.
    pub(crate) fn given(&self) -> Option<&GivenCertificate> {
        self.given.as_ref()
    }

    /// Whether bundles of version 0.3 may carry a chain.
    pub(crate) fn takes_carried_chains(&self) -> bool {
        self.carried_chains
    }

    /// The trusted key that made a signature, and what was found out when that was checked.
    pub(crate) fn signer<T>(&self, made_it: impl Fn(&PublicKey) -> Option<T>) -> Option<(&PublicKey, T)> {
        self.keys.iter().find_map(|key| Some((key, made_it(key)?)))
    }

    /// One authority's path to this certificate, in force at every one of these moments; else the fault of the
    /// authority that came nearest. No moments, no path.
    pub(crate) fn path(
        &self,
        leaf: &Certificate,
        others: Others<'_>,
        times: &[UnixTime],
    ) -> Result<(Digest, Path), ChainFault> {
        let mut nearest = ChainFault::UnknownIssuer;
        for authority in &self.authorities {
            let chain = authority.chain();
            let paths = times.iter().map(|time| chain.path(leaf, others, *time, Purpose::CodeSigning));
            match paths.collect::<Result<Vec<_>, _>>() {
                Ok(mut paths) => match paths.pop() {
                    Some(path) => return Ok((chain.id(), path)),
                    None => return Err(ChainFault::UnknownIssuer),
                },
                Err(fault) if fault.rank() < nearest.rank() => nearest = fault,
                Err(_) => {}
            }
        }
        Err(nearest)
    }
}
