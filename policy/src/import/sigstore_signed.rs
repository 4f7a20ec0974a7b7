//! The requirement `sigstoreSigned` of containers-policy.json(5): a key or an identity, and the name that was signed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    ContainerPolicy, ImportError, SignedNames,
    authority::{By, CertificateLogs, Identity, Log, PUBLIC_LOG, Wanted, Words},
    sheet::Sheet,
    tree::At,
};

/// The fields beside `type`.
pub(super) const FIELDS: [&str; 11] = [
    "keyPath",
    "keyPaths",
    "keyData",
    "keyDatas",
    "fulcio",
    "pki",
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
    "signedIdentity",
];

/// The files that a requirement refers to and an import reads.
pub(super) fn paths<'a>(at: &At<'a>) -> Result<Vec<String>, ImportError> {
    let mut paths: Vec<&'a str> = Vec::new();
    for holder in [Some(at.clone()), at.field("fulcio")].into_iter().flatten() {
        for name in ["keyPath", "caPath", "rekorPublicKeyPath"] {
            paths.extend(holder.text(name)?);
        }
        for name in ["keyPaths", "rekorPublicKeyPaths"] {
            paths.extend(holder.texts(name)?);
        }
    }
    Ok(paths.into_iter().map(str::to_owned).collect())
}

/// Authorities any one of which meets the requirement; none where it cannot be said, which is told.
pub(super) fn authorities(
    source: &ContainerPolicy<'_>,
    at: &At<'_>,
    is_looked_for: bool,
    sheet: &mut Sheet,
) -> Result<Vec<Value>, ImportError> {
    let named = is_named(source, at, sheet)?;
    let log = log(source, at, sheet)?;
    let signers = signers(source, at, sheet)?;
    if !is_looked_for {
        let why = "registries.d has no `use-sigstore-attachments` for it, so that no signature counts, there as here";
        sheet.unsaid(&at.place, "`sigstoreSigned`", why, "switch it on there, and import again");
        return Ok(Vec::new());
    }
    let (Some(log), Some(signers), true) = (log, signers, named) else { return Ok(Vec::new()) };
    let whole = signers.into_iter().map(|one| Wanted { log: log.clone(), format: Some("legacy"), ..one });
    Ok(whole.filter_map(|one| one.authority(sheet)).collect())
}

/// Whether the name in signatures may be left unchecked.
fn is_named(source: &ContainerPolicy<'_>, at: &At<'_>, sheet: &mut Sheet) -> Result<bool, ImportError> {
    let identity = at.field("signedIdentity");
    let kind = match &identity {
        None => "matchRepoDigestOrExact",
        Some(identity) => {
            let kind = identity.required("type")?;
            let fields = IDENTITIES.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields);
            let fields = fields.ok_or_else(|| identity.shape("a known type of identity"))?;
            identity.only(&[fields, &["type"]].concat())?;
            kind
        }
    };
    let given_up = source.names == SignedNames::GivenUp;
    let (why, hint) = match given_up {
        true => ("a ClusterImagePolicy does not compare it, and it was given up", SIGNED_NAME),
        false => ("a ClusterImagePolicy does not compare it, so that the image is refused", GIVE_UP),
    };
    let what = format!("`{kind}`, the name that a signature was made for");
    sheet.unsaid(&at.place_of("signedIdentity"), &what, why, hint);
    Ok(given_up)
}

/// The signers, any one of whom is enough.
fn signers(source: &ContainerPolicy<'_>, at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Vec<Wanted>>, ImportError> {
    let given = SIGNERS.iter().filter(|name| at.field(name).is_some()).count();
    if given != 1 {
        let (place, found) = (at.place.clone(), format!("{given} of them"));
        return Err(ImportError::Shape {
            place,
            found,
            wanted: "one of keyPath, keyPaths, keyData, keyDatas, fulcio, pki",
        });
    }
    if let Some(fulcio) = at.field("fulcio") {
        return identity(source, &fulcio, sheet);
    }
    if let Some(pki) = at.field("pki") {
        let why =
            "an authority whose certificates no log and no clock dates is not asked, so that the image is refused";
        sheet.unsaid(&pki.place, "`pki`", why, "sign with a key as well, and name it");
        return Ok(None);
    }
    let keys = texts(source, at, "key", sheet)?;
    Ok(keys.map(|keys| keys.into_iter().map(|key| Wanted::new(&at.place, By::Key(key))).collect()))
}

fn identity(source: &ContainerPolicy<'_>, at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Vec<Wanted>>, ImportError> {
    at.only(&["caPath", "caData", "oidcIssuer", "subjectEmail"])?;
    let exact = |name| at.required(name).map(|text| Words::Exact(text.to_owned()));
    let identity = Identity { issuer: exact("oidcIssuer")?, subject: exact("subjectEmail")? };
    let Some(roots) = texts(source, at, "ca", sheet)? else { return Ok(None) };
    let wanted = Wanted::new(&at.place, By::Identities(vec![identity]));
    let (roots, certificate_log) = (Some(roots.join("\n")), CertificateLogs::Ignored);
    Ok(Some(vec![Wanted { roots, certificate_log, ..wanted }]))
}

/// The log whose key is given.
fn log(source: &ContainerPolicy<'_>, at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Log>, ImportError> {
    if !FIELDS.iter().any(|name| name.starts_with("rekor") && at.field(name).is_some()) {
        return match at.field("fulcio") {
            None => Ok(Some(Log::Ignored)),
            Some(fulcio) => {
                let (place, found) = (fulcio.place, "no key of a log beside it".to_owned());
                Err(ImportError::Shape { place, found, wanted: "`rekorPublicKeyPath` or `rekorPublicKeyData`" })
            }
        };
    }
    let Some(mut keys) = texts(source, at, "rekorPublicKey", sheet)? else { return Ok(None) };
    if keys.len() == 1 {
        return Ok(Some(Log::Keyed { url: PUBLIC_LOG.to_owned(), key: keys.remove(0) }));
    }
    let why = "one log is taken over, so that the image is refused";
    sheet.unsaid(&at.place, "several logs", why, "import it with one, and add the others to its TrustRoot");
    Ok(None)
}

/// What the fields that begin so hold, in them or in a file; none where one is not at hand or not readable.
fn texts(
    source: &ContainerPolicy<'_>,
    at: &At<'_>,
    prefix: &str,
    sheet: &mut Sheet,
) -> Result<Option<Vec<String>>, ImportError> {
    let both = |one: &str, many: &str| -> Result<Vec<String>, ImportError> {
        let one = at.text(&format!("{prefix}{one}"))?;
        let texts = one.into_iter().chain(at.texts(&format!("{prefix}{many}"))?);
        Ok(texts.map(str::to_owned).collect())
    };
    let mut texts = Vec::new();
    for path in both("Path", "Paths")? {
        let Some(text) = source.files.get(&path) else {
            let hint = "import where the file is, or write its contents into the policy";
            sheet.unsaid(&at.place, &format!("`{path}`"), "it could not be read, so that the image is refused", hint);
            return Ok(None);
        };
        texts.push(text.clone());
    }
    for data in both("Data", "Datas")? {
        let text = BASE64_STANDARD.decode(data.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(text) = text else {
            let place = at.place_of(&format!("{prefix}Data"));
            return Err(ImportError::Shape { place, found: "no such thing".into(), wanted: "PEM in base64" });
        };
        texts.push(text);
    }
    if texts.is_empty() {
        let place = at.place_of(&format!("{prefix}Data"));
        return Err(ImportError::Shape { place, found: "nothing".into(), wanted: "one at least" });
    }
    Ok(Some(texts))
}

const SIGNERS: [&str; 6] = ["keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki"];

/// What a signature's name is compared with, and the fields of each way.
const IDENTITIES: [(&str, &[&str]); 6] = [
    ("matchExact", &[]),
    ("matchRepoDigestOrExact", &[]),
    ("matchRepository", &[]),
    ("exactReference", &["dockerReference"]),
    ("exactRepository", &["dockerRepository"]),
    ("remapIdentity", &["prefix", "signedPrefix"]),
];

const SIGNED_NAME: &str = "it will be once a policy can ask for it (`signedName`)";
const GIVE_UP: &str = "give the name up (`--give-up-names`) until a policy can ask for it (`signedName`)";
