//! The requirement `sigstoreSigned` of containers-policy.json(5): a key or an identity, and the name that was signed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    ContainerPolicy, ImportError,
    authority::{By, CertificateLogs, Identity, Log, PUBLIC_LOG, Wanted, Words},
    draft::Expression,
    sheet::Sheet,
    signed_identity,
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

/// A requirement as it is said here.
#[derive(Debug, Default)]
pub(super) struct Signed {
    /// Any one of them meets it; none where it cannot be said, which is told.
    pub(super) authorities: Vec<Value>,
    pub(super) expressions: Vec<Expression>,
}

/// Reads a requirement. Nothing meets it where there is a reason why no signature counts.
pub(super) fn read(
    source: &ContainerPolicy<'_>,
    at: &At<'_>,
    uncounted: Option<&str>,
    sheet: &mut Sheet,
) -> Result<Signed, ImportError> {
    let names = signed_identity::read(at, sheet)?;
    let log = log(source, at, sheet)?;
    let signers = signers(source, at, sheet)?;
    if let Some(why) = uncounted {
        sheet.unsaid(&at.place, "`sigstoreSigned`", why, "switch it on there, and import again");
        return Ok(Signed::default());
    }
    let (Some(log), Some(signers), Some(names)) = (log, signers, names) else { return Ok(Signed::default()) };
    let whole = signers.into_iter().map(|one| Wanted { log: log.clone(), format: Some("legacy"), ..one });
    let mut authorities: Vec<Value> = whole.filter_map(|one| one.authority(sheet)).collect();
    for authority in authorities.iter_mut().filter(|_| !names.signed_name.is_null()) {
        authority["signedName"] = names.signed_name.clone();
    }
    Ok(Signed { authorities, expressions: names.expression.into_iter().collect() })
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
