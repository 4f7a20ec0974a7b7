//! `signedIdentity` of containers-policy.json(5): the name that a signature must have been made for.
//!
//! Whether a signature names a tag is compared there too, but for `matchRepository` and `exactRepository`: Podman and
//! Skopeo sign names with a tag, cosign without one, so that its signatures count under these two alone.

use oci::{ImageRef, Repository};
use serde_json::{Value, json};

use super::{ImportError, draft::Expression, sheet::Sheet, tree::At};

/// What is asked of the name in a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedIdentity {
    /// `signedName` of an authority; null where the expression alone says it.
    pub(super) signed_name: Value,
    pub(super) expression: Option<Expression>,
}

/// What a requirement asks; none where that cannot be said, which is told.
pub(super) fn read(requirement: &At<'_>, sheet: &mut Sheet) -> Result<Option<SignedIdentity>, ImportError> {
    let Some(at) = requirement.field("signedIdentity") else {
        tell_of_tags(&requirement.place_of("signedIdentity"), "absent, as `matchRepoDigestOrExact`,", sheet);
        return Ok(Some(own(json!({}), Some(TAG_OR_DIGEST.to_owned()))));
    };
    let kind = at.required("type")?;
    let fields = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields);
    at.only(&[fields.ok_or_else(|| at.shape("a known type of identity"))?, &["type"]].concat())?;
    match kind {
        "matchRepository" => Ok(Some(own(json!({}), None))),
        "exactRepository" => Ok(Some(fixed(&at, "dockerRepository", false)?)),
        "exactReference" => Ok(Some(fixed(&at, "dockerReference", true)?)),
        _ => {
            tell_of_tags(&at.place, &format!("`{kind}`"), sheet);
            match kind {
                "remapIdentity" => remapped(&at, sheet),
                "matchExact" => Ok(Some(own(json!({}), Some(TAG_AND_DIGEST.to_owned())))),
                _ => Ok(Some(own(json!({}), Some(TAG_OR_DIGEST.to_owned())))),
            }
        }
    }
}

fn own(signed_name: Value, cel: Option<String>) -> SignedIdentity {
    let message = "the signature must name the tag that is asked for".to_owned();
    SignedIdentity { signed_name, expression: cel.map(|cel| Expression { cel, message }) }
}

fn tell_of_tags(place: &str, what: &str, sheet: &mut Sheet) {
    let words = "wants signatures that name the tag, as Podman's do and cosign's do not: `matchRepository` takes both";
    sheet.remark(place, &format!("{what} {words}"));
}

/// A name that does not depend on the image.
fn fixed(at: &At<'_>, field: &str, whole: bool) -> Result<SignedIdentity, ImportError> {
    let text = at.required(field)?;
    let wrong = |wanted| ImportError::Shape { place: at.place_of(field), found: "no such thing".into(), wanted };
    let name: ImageRef = text.parse().map_err(|_| wrong("the name of an image"))?;
    let mut parts = vec!["has(s.named)".to_owned(), equal("repository", &name.repository().to_string())];
    if whole {
        let (tag, digest) = (name.tag().map(ToString::to_string), name.digest().map(ToString::to_string));
        if tag.is_none() && digest.is_none() {
            return Err(wrong("a tag or a digest in it"));
        }
        for (part, text) in [("tag", tag), ("digest", digest)] {
            parts.push(text.map_or_else(|| format!("!has(s.named.{part})"), |text| equal(part, &text)));
        }
    }
    let cel = format!("signatures.exists(s, {})", parts.join(" && "));
    let message = format!("the signature must be for the name {text}");
    Ok(SignedIdentity { signed_name: Value::Null, expression: Some(Expression { cel, message }) })
}

fn equal(part: &str, text: &str) -> String {
    format!("s.named.{part} == {}", json!(text))
}

/// Names that begin with one prefix, up to a slash or their end, stand for names that begin with another.
fn remapped(at: &At<'_>, sheet: &mut Sheet) -> Result<Option<SignedIdentity>, ImportError> {
    let (prefix, signed) = (at.required("prefix")?, at.required("signedPrefix")?);
    for (field, text) in [("prefix", prefix), ("signedPrefix", signed)] {
        if !is_prefix(text) {
            let (place, found) = (at.place_of(field), "no such thing".to_owned());
            return Err(ImportError::Shape { place, found, wanted: "a host or a repository" });
        }
    }
    if !is_there(prefix) || prefix == signed {
        return Ok(Some(own(json!({}), Some(TAG_OR_DIGEST.to_owned()))));
    }
    if !is_there(signed) {
        let why = "is never the beginning of a name in full, so that the image is refused, there as here";
        sheet.unsaid(&at.place_of("signedPrefix"), &format!("`{signed}`"), why, "write it in its fully expanded form");
        return Ok(None);
    }
    let mut remap = vec![json!({"from": format!("{prefix}/"), "to": format!("{signed}/")})];
    let Some(repository) = repository(prefix) else {
        return Ok(Some(own(json!({"remap": remap}), Some(TAG_OR_DIGEST.to_owned()))));
    };
    let mut cel = TAG_OR_DIGEST.to_owned();
    match self::repository(signed) {
        Some(_) => remap.push(json!({"from": prefix, "to": signed})),
        // It would be signed as what is no repository.
        None => cel = format!("image.repository != {} && {cel}", json!(repository)),
    }
    Ok(Some(own(json!({"remap": remap}), Some(cel))))
}

/// Whether it can begin a name as such names are written in full there, where Docker Hub is `docker.io`.
fn is_there(prefix: &str) -> bool {
    let host = prefix.split('/').next().unwrap_or_default();
    (host.contains(['.', ':']) || host == "localhost") && host != "index.docker.io"
}

fn is_prefix(text: &str) -> bool {
    text.parse::<Repository>().is_ok() || format!("{text}/x").parse::<Repository>().is_ok()
}

/// Its name here, if it is a repository in full: one on Docker Hub has a namespace.
fn repository(text: &str) -> Option<String> {
    let (host, path) = text.split_once('/')?;
    let full = host != "docker.io" || path.contains('/');
    text.parse::<Repository>().ok().filter(|_| full).map(|repository| repository.to_string())
}

/// The ways to compare a name, and the fields of each.
const KINDS: [(&str, &[&str]); 6] = [
    ("matchExact", &[]),
    ("matchRepoDigestOrExact", &[]),
    ("matchRepository", &[]),
    ("exactReference", &["dockerReference"]),
    ("exactRepository", &["dockerRepository"]),
    ("remapIdentity", &["prefix", "signedPrefix"]),
];

/// The tag that is asked for is signed and nothing else; of what is asked for by digest alone, any tag or digest.
const TAG_OR_DIGEST: &str = "signatures.exists(s, has(image.tag) ? has(s.named.tag) && s.named.tag == image.tag && \
                             !has(s.named.digest) : has(s.named.tag) || has(s.named.digest))";

/// The tag that is asked for is signed and nothing else; of what is asked for by digest alone, the digest.
const TAG_AND_DIGEST: &str = "signatures.exists(s, has(image.tag) ? has(s.named.tag) && s.named.tag == image.tag && \
                              !has(s.named.digest) : has(s.named.digest) && s.named.digest == image.digest && \
                              !has(s.named.tag))";
