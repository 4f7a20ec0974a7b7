//! One attestor of a Kyverno rule: keys, an identity, or what has no counterpart.

use std::collections::BTreeMap;

use super::{
    ImportError,
    authority::{By, CertificateLogs, Identity, Log, PUBLIC_LOG, Wanted, Words},
    kyverno::regex,
    need::Signer,
    sheet::Sheet,
    tree::At,
};

/// What a rule says for all of its attestors.
#[derive(Debug, Clone)]
pub(super) struct Defaults {
    repository: Option<String>,
    annotations: BTreeMap<String, String>,
    /// In which format signatures count; none where they are of a kind that is not read here.
    format: Option<&'static str>,
    /// The type of what must be attested.
    attestation: Option<String>,
}

impl Defaults {
    /// Reads them from an entry of `verifyImages`.
    pub(super) fn read(at: &At<'_>, attestation: Option<&str>) -> Result<Self, ImportError> {
        let format = match at.text("type")? {
            None | Some("Cosign") => Some("legacy"),
            Some("SigstoreBundle") => Some("bundle"),
            Some("Notary") => None,
            Some(_) => return Err(at.field("type").expect("it was read").shape("Cosign, SigstoreBundle or Notary")),
        };
        let repository = at.text("repository")?.map(str::to_owned);
        let annotations = annotations(at)?;
        Ok(Self { repository, annotations, format, attestation: attestation.map(str::to_owned) })
    }
}

fn annotations(at: &At<'_>) -> Result<BTreeMap<String, String>, ImportError> {
    let fields = at.field("annotations").map(|at| at.fields()).transpose()?.unwrap_or_default();
    fields.iter().map(|(name, at)| Ok(((*name).to_owned(), at.as_text()?.to_owned()))).collect()
}

/// The authorities of an entry, one for each of its keys; one that cannot be said is none, and told.
pub(super) fn entry(at: &At<'_>, defaults: &Defaults, sheet: &mut Sheet) -> Result<Vec<Option<Signer>>, ImportError> {
    let Some(format) = defaults.format else {
        sheet.unsaid(&at.place, "signatures of the Notary Project", "are not read, so that they let nothing in", SIGN);
        return Ok(vec![None]);
    };
    let mut annotated = defaults.annotations.clone();
    annotated.extend(annotations(at)?);
    let length: usize = annotated.iter().map(|(key, value)| key.len() + value.len() + 30).sum();
    if length > MAX_ANNOTATIONS || (length > 0 && defaults.attestation.is_some()) {
        let why = "only a few of a signature are compared, and none of an attestation, so that it lets nothing in";
        sheet.unsaid(&at.place_of("annotations"), "annotations", why, "sign with a key or identity of its own instead");
        return Ok(vec![None]);
    }
    let Some(wanted) = signers(at, sheet)? else { return Ok(vec![None]) };
    let repository = at.text("repository")?.map(str::to_owned).or_else(|| defaults.repository.clone());
    let attestation = defaults.attestation.clone();
    let whole = wanted.into_iter().map(|one| Wanted {
        repository: repository.clone(),
        attestation: attestation.clone(),
        format: Some(format),
        ..one
    });
    let signer = |authority| Signer { authority, annotations: annotated.clone() };
    Ok(whole.map(|one| one.authority(sheet).map(signer)).collect())
}

fn signers(at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Vec<Wanted>>, ImportError> {
    if let Some(keys) = at.field("keys") {
        return static_keys(&keys, sheet);
    }
    if let Some(keyless) = at.field("keyless") {
        return Ok(identity(&keyless, sheet)?.map(|one| vec![one]));
    }
    if let Some(certificates) = at.field("certificates") {
        let why = "a certificate that no log and no clock dates is not asked, so that it lets nothing in";
        sheet.unsaid(&certificates.place, "`certificates`", why, "name the key in it, or its authority in a TrustRoot");
        return Ok(None);
    }
    // As it was written before there were attestors.
    if let Some(key) = at.text("key")? {
        let wanted = keys(&at.place_of("key"), key, sheet);
        return Ok(wanted.map(|wanted| wanted.into_iter().map(logged).collect()));
    }
    if ["subject", "issuer", "roots"].iter().any(|name| at.field(name).is_some()) {
        return Ok(identity(at, sheet)?.map(|one| vec![one]));
    }
    let why = "names nobody, so that it lets nothing in";
    sheet.unsaid(&at.place, "an attestor", why, "name keys or an identity");
    Ok(None)
}

/// With a log entry, which Kyverno asks for unless told otherwise.
fn logged(wanted: Wanted) -> Wanted {
    Wanted { log: Log::Trusted { url: PUBLIC_LOG.to_owned() }, ..wanted }
}

fn static_keys(at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Vec<Wanted>>, ImportError> {
    let known = ["publicKeys", "signatureAlgorithm", "kms", "secret", "rekor", "ctlog"];
    if let Some((name, unknown)) = at.beside(&known)?.first() {
        sheet.unsaid(&unknown.place, &format!("`{name}`"), UNKNOWN, "write the policy by hand");
        return Ok(None);
    }
    let signers = if let Some(text) = at.text("publicKeys")? {
        keys(&at.place_of("publicKeys"), text, sheet)
    } else if let Some(uri) = at.text("kms")? {
        Some(vec![Wanted::new(&at.place, By::Kms(uri.to_owned()))])
    } else {
        let why = "a key in a Secret is not at hand, so that it lets nothing in";
        sheet.unsaid(&at.place_of("secret"), "a Secret", why, "write the public key into the policy");
        None
    };
    let Some(signers) = signers else { return Ok(None) };
    let Some(vouching) = vouching(at, sheet)? else { return Ok(None) };
    let hash = at.text("signatureAlgorithm")?.map(str::to_owned);
    Ok(Some(signers.into_iter().map(|one| Wanted { hash: hash.clone(), ..vouching.clone().of(one) }).collect()))
}

/// One signer for each key of a text in PEM.
fn keys(place: &str, text: &str, sheet: &mut Sheet) -> Option<Vec<Wanted>> {
    const END: &str = "-----END PUBLIC KEY-----";
    if text.contains("{{") || text.trim_start().starts_with("k8s://") {
        let why = "a key that is somewhere in the cluster is not at hand, so that it lets nothing in";
        sheet.unsaid(place, &format!("`{}`", text.trim()), why, "write the public key into the policy");
        return None;
    }
    if text.contains("://") {
        return Some(vec![Wanted::new(place, By::Kms(text.trim().to_owned()))]);
    }
    let blocks: Vec<&str> = text.split_inclusive(END).filter(|block| block.contains(END)).collect();
    if blocks.is_empty() {
        sheet.unsaid(place, "keys", "there is none in PEM, so that it lets nothing in", "write the public key there");
        return None;
    }
    Some(blocks.into_iter().map(|pem| Wanted::new(place, By::Key(pem.trim().to_owned()))).collect())
}

fn identity(at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Wanted>, ImportError> {
    if let Some(extensions) =
        at.field("additionalExtensions").filter(|at| at.value.as_object().is_none_or(|o| !o.is_empty()))
    {
        let why = "extensions of a certificate are not compared, so that it lets nothing in";
        let hint = "look at them in a `policy` in Rego, under `authorityMatches`";
        sheet.unsaid(&extensions.place, "`additionalExtensions`", why, hint);
        return Ok(None);
    }
    for (exact, regexp) in [("issuer", "issuerRegExp"), ("subject", "subjectRegExp")] {
        if at.text(exact)?.is_some_and(|text| !text.is_empty()) && at.text(regexp)?.is_some_and(|text| !text.is_empty())
        {
            let why = "both would have to match, so that it lets nothing in";
            sheet.unsaid(&at.place_of(regexp), &format!("`{exact}` and `{regexp}`"), why, "leave one of them away");
            return Ok(None);
        }
    }
    let mut words = |exact: &str, regexp: &str| -> Result<Words, ImportError> {
        Ok(match (at.text(regexp)?.unwrap_or_default(), at.text(exact)?.unwrap_or_default()) {
            ("", "") => {
                sheet.remark(&at.place, &format!("names no {exact}: any will do, as in Kyverno"));
                Words::Regex(".*".to_owned())
            }
            ("", text) if text.contains(['*', '?']) => Words::Regex(regex(text)),
            ("", text) => Words::Exact(text.to_owned()),
            (regexp, _) => Words::Regex(regexp.to_owned()),
        })
    };
    let identity = Identity { issuer: words("issuer", "issuerRegExp")?, subject: words("subject", "subjectRegExp")? };
    let Some(vouching) = vouching(at, sheet)? else { return Ok(None) };
    let roots = at.text("roots")?.filter(|text| !text.trim().is_empty()).map(str::to_owned);
    Ok(Some(Wanted { roots, ..vouching.of(Wanted::new(&at.place, By::Identities(vec![identity]))) }))
}

/// Who else must vouch.
#[derive(Debug, Clone)]
struct Vouching {
    log: Log,
    certificate_log: CertificateLogs,
    clock: Option<String>,
}

impl Vouching {
    fn of(self, wanted: Wanted) -> Wanted {
        let Self { log, certificate_log, clock } = self;
        Wanted { log, certificate_log, clock, ..wanted }
    }
}

/// What `rekor` and `ctlog` say; none where one of them says something unknown.
fn vouching(at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Vouching>, ImportError> {
    let text = |at: &Option<At<'_>>, name: &str| -> Result<Option<String>, ImportError> {
        let text = at.as_ref().map(|at| at.text(name)).transpose()?.flatten();
        Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
    };
    let flag = |at: &Option<At<'_>>, name: &str| -> Result<bool, ImportError> {
        Ok(at.as_ref().map(|at| at.flag(name)).transpose()?.flatten().unwrap_or(false))
    };
    let (rekor, ctlog) = (at.field("rekor"), at.field("ctlog"));
    let known: [(&Option<At<'_>>, &[&str]); 2] =
        [(&rekor, &["url", "pubkey", "ignoreTlog"]), (&ctlog, &["pubkey", "ignoreSCT", "tsaCertChain"])];
    for (at, fields) in known {
        let unknown = at.as_ref().map(|at| at.beside(fields)).transpose()?.unwrap_or_default();
        if let Some((name, unknown)) = unknown.first() {
            sheet.unsaid(&unknown.place, &format!("`{name}`"), UNKNOWN, "write the policy by hand");
            return Ok(None);
        }
    }
    let url = text(&rekor, "url")?.unwrap_or_else(|| PUBLIC_LOG.to_owned());
    let log = match (flag(&rekor, "ignoreTlog")?, text(&rekor, "pubkey")?) {
        (true, _) => Log::Ignored,
        (false, Some(key)) => Log::Keyed { url, key },
        (false, None) => Log::Trusted { url },
    };
    let certificate_log = match (flag(&ctlog, "ignoreSCT")?, text(&ctlog, "pubkey")?) {
        (true, _) => CertificateLogs::Ignored,
        (false, Some(key)) => CertificateLogs::Keyed { key },
        (false, None) => CertificateLogs::Trusted,
    };
    Ok(Some(Vouching { log, certificate_log, clock: text(&ctlog, "tsaCertChain")? }))
}

/// Less than an expression may be long, each character being written as two.
const MAX_ANNOTATIONS: usize = 900;
const SIGN: &str = "sign with cosign or sealgate as well";
const UNKNOWN: &str = "it has no counterpart, so that this attestor lets nothing in";
