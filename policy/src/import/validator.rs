//! What one of Connaisseur's rules asks of its validator: which trust roots must have signed, and how many.

use serde_json::{Value, json};

use super::{
    ImportError,
    authority::{By, CertificateLogs, Identity, Log, PUBLIC_LOG, Wanted, Words},
    need::{Need, Signer},
    sheet::Sheet,
    tree::At,
};

/// What a rule needs.
pub(super) fn need(rule: &At<'_>, validator: &At<'_>, sheet: &mut Sheet) -> Result<Need, ImportError> {
    let kind = validator.required("type")?;
    if kind != "cosign" {
        let why = "signatures of that kind are not read, so that its images are refused";
        sheet.unsaid(&validator.place, &format!("validator of type `{kind}`"), why, "sign with cosign or sealgate");
        return Ok(Need::Nobody);
    }
    let nothing = At { value: &Value::Null, place: rule.place_of("with") };
    let with = rule.field("with").unwrap_or(nothing);
    if !with.value.is_null() && !is_understood(&with, sheet)? {
        return Ok(Need::Nobody);
    }
    let roots = [validator.list("trustRoots")?, validator.list("trust_roots")?].concat();
    let all: Vec<&str> = roots.iter().map(|root| root.required("name")).collect::<Result<_, _>>()?;
    let signers = Signers { with: &with, validator, roots: &roots };
    let required = with.texts("required")?;
    let threshold = with.count("threshold")?.filter(|count| *count > 0);
    let chosen = [with.text("trustRoot")?, with.text("trust_root")?, with.text("key")?].into_iter().flatten().next();
    if chosen != Some("*") && threshold.is_some_and(|threshold| threshold > 1) {
        let why = "one trust root never reaches it, so that its images are refused";
        sheet.unsaid(&with.place_of("threshold"), "`threshold`", why, "choose the trust root `*`");
        return Ok(Need::Nobody);
    }
    let mut each = required.clone();
    match chosen {
        Some("*") if required.is_empty() && threshold.is_none() => each.clone_from(&all),
        Some("*") => {}
        name => each.push(name.unwrap_or("default")),
    }
    let mut needs = Vec::new();
    for name in each {
        needs.push(signers.authority(name, sheet)?.into());
    }
    if let (Some("*"), Some(threshold)) = (chosen, threshold) {
        let among = if required.is_empty() || threshold > required.len() { all } else { required };
        let mut counted = Vec::new();
        for name in among {
            counted.extend(signers.authority(name, sheet)?.map(Signer::from));
        }
        needs.push(Need::AtLeast(threshold, counted));
    }
    Ok(Need::All(needs))
}

/// Whether there is nothing unknown among a rule's options.
fn is_understood(with: &At<'_>, sheet: &mut Sheet) -> Result<bool, ImportError> {
    if with.text("mode")? == Some("insecureValidateOnly") {
        sheet.unsaid(&with.place_of("mode"), "`insecureValidateOnly`", "a tag is always resolved once and pinned", "");
    }
    let unknown = with.beside(&OPTIONS)?;
    for (name, at) in &unknown {
        let why = "it has no counterpart, so that its images are refused";
        sheet.unsaid(&at.place, &format!("`{name}`"), why, "write the policy by hand");
    }
    Ok(unknown.is_empty())
}

/// The trust roots of a validator, with what a rule asks of them.
struct Signers<'a> {
    with: &'a At<'a>,
    validator: &'a At<'a>,
    roots: &'a [At<'a>],
}

impl Signers<'_> {
    /// The authority for a trust root, or none where it cannot be said.
    fn authority(&self, name: &str, sheet: &mut Sheet) -> Result<Option<Value>, ImportError> {
        let Some(root) = self.roots.iter().find(|root| root.text("name").ok().flatten() == Some(name)) else {
            let (place, found) = (self.with.place_of("trustRoot"), format!("`{name}`"));
            return Err(ImportError::Shape { place, found, wanted: "the name of a trust root of the validator" });
        };
        let by = match (root.text("key")?, root.field("keyless")) {
            (Some(key), None) if key.contains("-----BEGIN") => By::Key(key.to_owned()),
            (Some(key), None) => By::Kms(key.trim().to_owned()),
            (None, Some(keyless)) => By::Identities(vec![identity(&keyless)?]),
            _ => {
                let why = "neither a key nor an identity, so that it lets nothing in";
                sheet.unsaid(&root.place, &format!("trust root `{name}`"), why, "sign with a key and name it");
                return Ok(None);
            }
        };
        let authority = self.vouched(Wanted::new(&root.place, by))?.authority(sheet);
        Ok(authority.map(|mut authority| {
            authority["name"] = json!(name);
            authority
        }))
    }

    /// With the log entry that Connaisseur asks for unless told otherwise.
    fn vouched(&self, wanted: Wanted) -> Result<Wanted, ImportError> {
        let host = self.validator.field("host").filter(|host| host.value.is_object());
        let text = |name: &str| -> Result<Option<String>, ImportError> {
            let text = host.as_ref().map(|host| host.text(name)).transpose()?.flatten();
            Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
        };
        let url = match text("rekor")? {
            Some(url) if url.contains("://") => url,
            Some(host) => format!("https://{host}"),
            None => PUBLIC_LOG.to_owned(),
        };
        let asks = |name: &str| self.with.flag(name).map(|flag| flag.unwrap_or(true));
        let log = match (asks("verifyInTransparencyLog")?, text("rekorPubkey")?) {
            (false, _) => Log::Ignored,
            (true, Some(key)) => Log::Keyed { url, key },
            (true, None) => Log::Trusted { url },
        };
        let certificate_log = match (asks("verifySCT")?, text("ctLogPubkey")?) {
            (false, _) => CertificateLogs::Ignored,
            (true, Some(key)) => CertificateLogs::Keyed { key },
            (true, None) => CertificateLogs::Trusted,
        };
        Ok(Wanted { log, certificate_log, roots: text("fulcioCert")?, format: Some("legacy"), ..wanted })
    }
}

fn identity(at: &At<'_>) -> Result<Identity, ImportError> {
    let words = |exact: &str, regex: &str| -> Result<Words, ImportError> {
        match (at.text(exact)?, at.text(regex)?) {
            (Some(text), None) => Ok(Words::Exact(text.to_owned())),
            (None, Some(text)) => Ok(Words::Regex(text.to_owned())),
            _ => {
                let found = "both or neither".to_owned();
                Err(ImportError::Shape { place: at.place_of(exact), found, wanted: "a text or a regular expression" })
            }
        }
    };
    Ok(Identity { issuer: words("issuer", "issuerRegex")?, subject: words("subject", "subjectRegex")? })
}

/// The options of a rule that have a meaning here.
const OPTIONS: [&str; 8] =
    ["trustRoot", "trust_root", "key", "threshold", "required", "verifyInTransparencyLog", "verifySCT", "mode"];
