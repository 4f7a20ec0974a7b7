//! Kyverno's ImageValidatingPolicy, of which each validation is a policy here.
//!
//! Of its expressions one shape is understood, see [`super::cel`]; any other refuses the images that the policy names.

use serde_json::Value;

use super::{
    ImportError,
    authority::{By, CertificateLogs, Identity, Log, PUBLIC_LOG, Wanted, Words},
    cel,
    draft::{Draft, pass},
    kyverno::{always, globs},
    need::Need,
    sheet::Sheet,
    tree::At,
};

/// Imports a policy with this name, which is for one namespace or for all.
pub(super) fn policy(name: &str, namespace: Option<&str>, spec: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    always(spec, &["matchConditions"], sheet);
    if let Some(constraints) = spec.field("matchConstraints") {
        let beside = constraints.beside(&["resourceRules"])?;
        always(&constraints, &beside.iter().map(|(name, _)| *name).collect::<Vec<_>>(), sheet);
    }
    if spec.text("failurePolicy")? == Some("Ignore") {
        let why = "an image about which nothing could be decided is refused";
        sheet.unsaid(&spec.place_of("failurePolicy"), "`failurePolicy: Ignore`", why, "");
    }
    if let Some(images) = spec.field("images") {
        let why = "images are found where Kubernetes has them";
        sheet.unsaid(&images.place, "`images` by expression", why, "");
    }
    if let Some(credentials) = spec.field("credentials") {
        sheet.remark(&credentials.place, "credentials are those that Docker users have, see docs/registry.md");
    }
    switches(spec, sheet)?;
    let globs = named(spec, sheet)?;
    let actions = spec.texts("validationActions")?;
    let warn = !actions.is_empty() && !actions.contains(&"Deny");
    if warn {
        sheet.remark(&spec.place_of("validationActions"), "without `Deny`, it has become `mode: warn`");
    }
    let validations = spec.list("validations")?;
    let namespaces: Vec<String> = namespace.map(str::to_owned).into_iter().collect();
    let draft = Draft { warn, namespaces, ..Draft::new(&spec.place, name, globs, Need::Nobody) };
    for validation in &validations {
        let need = Need::any(validation_authorities(spec, validation, sheet)?);
        sheet.policy(Draft { place: &validation.place, need, ..draft.clone() });
    }
    if validations.is_empty() {
        sheet.remark(&spec.place, "asks for no signature, and has become `static: pass`");
        sheet.policy(Draft { need: Need::any(vec![pass()]), ..draft });
    }
    Ok(())
}

fn switches(spec: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    let Some(configurations) = spec.field("validationConfigurations") else { return Ok(()) };
    for (name, why) in [
        ("mutateDigest", "a tag is always resolved once and pinned"),
        ("verifyDigest", "what runs is always named by its digest"),
        ("required", "an image that a policy names must meet it"),
    ] {
        if configurations.flag(name)? == Some(false) {
            sheet.unsaid(&configurations.place_of(name), &format!("`{name}: false`"), why, "");
        }
    }
    Ok(())
}

/// Globs for the images that it names; all, where it names none or names them in CEL.
fn named(spec: &At<'_>, sheet: &mut Sheet) -> Result<Vec<String>, ImportError> {
    let mut patterns = Vec::new();
    let references = spec.list("matchImageReferences")?;
    for reference in &references {
        match reference.text("glob")? {
            Some(glob) => patterns.push((reference.place_of("glob"), glob.to_owned())),
            None => {
                let why = "CEL is not evaluated here, so that the policy holds for all images";
                sheet.unsaid(&reference.place, "images by expression", why, "name them by globs");
                return Ok(vec!["**".to_owned()]);
            }
        }
    }
    match patterns.is_empty() {
        true => Ok(vec!["**".to_owned()]),
        false => Ok(globs(&patterns, sheet)),
    }
}

fn validation_authorities(spec: &At<'_>, at: &At<'_>, sheet: &mut Sheet) -> Result<Vec<Value>, ImportError> {
    let Some(check) = cel::check(at.required("expression")?) else {
        let why = "CEL is not evaluated here, but for the usual check of all images, so that these are refused";
        let hint = "write one validation for each thing that must be signed or attested";
        sheet.unsaid(&at.place_of("expression"), "a validation", why, hint);
        return Ok(Vec::new());
    };
    let attestation = match &check.attestation {
        None => None,
        Some(name) => match attested(spec, name, sheet)? {
            Some(kind) => Some(kind),
            None => return Ok(Vec::new()),
        },
    };
    let mut authorities = Vec::new();
    for name in &check.attestors {
        let attestors = spec.list("attestors")?;
        let found = attestors.iter().find(|attestor| attestor.text("name").ok().flatten() == Some(name.as_str()));
        let Some(attestor) = found else {
            let found = format!("`attestors.{name}`");
            return Err(ImportError::Shape {
                place: at.place_of("expression"),
                found,
                wanted: "an attestor that is there",
            });
        };
        let wanted = attestor_of(attestor, sheet)?;
        let whole = wanted.map(|wanted| Wanted { attestation: attestation.clone(), ..wanted });
        authorities.extend(whole.and_then(|wanted| wanted.authority(sheet)));
    }
    Ok(authorities)
}

/// The type of predicate that an attestation is of.
fn attested(spec: &At<'_>, name: &str, sheet: &mut Sheet) -> Result<Option<String>, ImportError> {
    for attestation in spec.list("attestations")? {
        if attestation.text("name")? != Some(name) {
            continue;
        }
        if let Some(kind) = attestation.field("intoto").map(|at| at.required("type").map(str::to_owned)).transpose()? {
            return Ok(Some(kind));
        }
    }
    let why = "only attestations by in-toto are read, so that these images are refused";
    sheet.unsaid(
        &spec.place_of("attestations"),
        &format!("attestation `{name}`"),
        why,
        "attest with cosign or sealgate",
    );
    Ok(None)
}

fn attestor_of(at: &At<'_>, sheet: &mut Sheet) -> Result<Option<Wanted>, ImportError> {
    let Some(cosign) = at.field("cosign") else {
        let why = "signatures of the Notary Project are not read, so that it lets nothing in";
        sheet.unsaid(&at.place, "`notary`", why, "sign with cosign or sealgate as well");
        return Ok(None);
    };
    for (name, field) in cosign.beside(&["key", "keyless", "source", "ctlog"])? {
        if field.value.as_object().is_none_or(|fields| !fields.is_empty()) {
            let why = "it has no counterpart, so that this attestor lets nothing in";
            sheet.unsaid(&field.place, &format!("`{name}`"), why, "write the policy by hand");
            return Ok(None);
        }
    }
    let Some(wanted) = signer(&cosign, sheet)? else { return Ok(None) };
    let wanted = vouched(&cosign, wanted)?;
    let Some(source) = cosign.field("source") else { return Ok(Some(wanted)) };
    if let Some(secrets) = source.field("PullSecrets") {
        sheet.remark(&secrets.place, "credentials are those that Docker users have, see docs/registry.md");
    }
    let text = |name| source.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
    Ok(Some(Wanted { repository: text("repository")?, tag_prefix: text("tagPrefix")?, ..wanted }))
}

fn signer(cosign: &At<'_>, sheet: &mut Sheet) -> Result<Option<Wanted>, ImportError> {
    if let Some(keyless) = cosign.field("keyless") {
        let identities = keyless.list("identities")?.iter().map(identity).collect::<Result<Vec<_>, _>>()?;
        let roots = keyless.text("roots")?.filter(|text| !text.trim().is_empty()).map(str::to_owned);
        return Ok(Some(Wanted { roots, ..Wanted::new(&keyless.place, By::Identities(identities)) }));
    }
    let Some(key) = cosign.field("key") else {
        sheet.unsaid(
            &cosign.place,
            "an attestor",
            "names nobody, so that it lets nothing in",
            "name a key or identities",
        );
        return Ok(None);
    };
    let by = match (key.text("data")?, key.text("kms")?) {
        (Some(data), _) => By::Key(data.to_owned()),
        (None, Some(uri)) => By::Kms(uri.to_owned()),
        (None, None) => {
            let why = "CEL is not evaluated here, so that it lets nothing in";
            sheet.unsaid(&key.place, "a key by expression", why, "write the public key into the policy");
            return Ok(None);
        }
    };
    Ok(Some(Wanted { hash: key.text("hashAlgorithm")?.map(str::to_owned), ..Wanted::new(&key.place, by) }))
}

fn identity(at: &At<'_>) -> Result<Identity, ImportError> {
    let words = |exact: &str, regexp: &str| -> Result<Words, ImportError> {
        Ok(match (at.text(exact)?.unwrap_or_default(), at.text(regexp)?.unwrap_or_default()) {
            ("", "") => Words::Regex(".*".to_owned()),
            ("", regexp) => Words::Regex(regexp.to_owned()),
            (exact, "") => Words::Exact(exact.to_owned()),
            _ => {
                let found = format!("`{exact}` and `{regexp}`");
                return Err(ImportError::Shape { place: at.place.clone(), found, wanted: "one of the two" });
            }
        })
    };
    Ok(Identity { issuer: words("issuer", "issuerRegExp")?, subject: words("subject", "subjectRegExp")? })
}

/// With what `ctlog` asks for; without it, an entry in the public log.
fn vouched(cosign: &At<'_>, wanted: Wanted) -> Result<Wanted, ImportError> {
    let public = Log::Trusted { url: PUBLIC_LOG.to_owned() };
    let Some(ctlog) = cosign.field("ctlog") else { return Ok(Wanted { log: public, ..wanted }) };
    let text = |name: &str| ctlog.text(name).map(|text| text.filter(|text| !text.trim().is_empty()).map(str::to_owned));
    let flag = |name: &str| ctlog.flag(name).map(|flag| flag.unwrap_or(false));
    let url = text("url")?.unwrap_or_else(|| PUBLIC_LOG.to_owned());
    let log = match (flag("insecureIgnoreTlog")?, text("rekorPubKey")?) {
        (true, _) => Log::Ignored,
        (false, Some(key)) => Log::Keyed { url, key },
        (false, None) => Log::Trusted { url },
    };
    let certificate_log = match (flag("insecureIgnoreSCT")?, text("ctLogPubKey")?) {
        (true, _) => CertificateLogs::Ignored,
        (false, Some(key)) => CertificateLogs::Keyed { key },
        (false, None) => CertificateLogs::Trusted,
    };
    Ok(Wanted { log, certificate_log, clock: text("tsaCertChain")?, ..wanted })
}
