//! Kyverno: `verifyImages` of ClusterPolicy and Policy, ImageValidatingPolicy, and its namespaced sibling.
//!
//! Kyverno judges the images that a rule names, in the objects that it names, and lets the rest in; here an image that
//! no policy names is refused. A rule is therefore imported for all objects and, where it is only for some tags or its
//! patterns are finer than globs, for more images than it names: never for fewer.

use super::{
    ImportError, Imported,
    pattern::Pattern,
    sheet::Sheet,
    tree::{At, documents},
    validating, verify_images,
};

/// Imports Kyverno's policies, from files, each with its name and its text, which may hold other objects too.
///
/// # Errors
/// Fails on a text that is not YAML, and on a policy of which a field is not what Kyverno says.
pub fn kyverno(files: &[(String, String)]) -> Result<Imported, ImportError> {
    let mut sheet = Sheet::default();
    for (file, text) in files {
        for document in &documents(file, text)? {
            let top = At::top(file, document);
            match top.text("kind")?.unwrap_or_default() {
                "List" => top.list("items")?.iter().try_for_each(|item| object(item, &mut sheet))?,
                _ => object(&top, &mut sheet)?,
            }
        }
    }
    let what = "Kyverno admits an image that no rule names; here it is refused, unless a policy with `static: pass` or \
                the setting `no-match-policy` lets it in";
    sheet.remark(&files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "), what);
    Ok(sheet.finish())
}

fn object(top: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    let (group, kind) = (top.required("apiVersion")?, top.required("kind")?);
    let name = top.field("metadata").map(|metadata| metadata.text("name")).transpose()?.flatten().unwrap_or(kind);
    let place = top.place.trim_end_matches(": ");
    let top = At { value: top.value, place: format!("{place}: {kind} {name}: ") };
    let spec = top.field("spec");
    match (group.split('/').next().unwrap_or_default(), kind, spec) {
        ("kyverno.io", "ClusterPolicy" | "Policy", Some(spec)) => {
            let namespace = namespace(&top, kind == "Policy", sheet)?;
            verify_images::policy(name, namespace, &spec, sheet)
        }
        ("policies.kyverno.io", "ImageValidatingPolicy" | "NamespacedImageValidatingPolicy", Some(spec)) => {
            let namespace = namespace(&top, kind != "ImageValidatingPolicy", sheet)?;
            validating::policy(name, namespace, &spec, sheet)
        }
        ("kyverno.io" | "policies.kyverno.io", ..) => {
            sheet.unsaid(&top.place, &format!("an object of kind {kind}"), "says nothing about signatures here", "");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The namespace that a policy is for, if it is for one.
fn namespace<'a>(top: &At<'a>, is: bool, sheet: &mut Sheet) -> Result<Option<&'a str>, ImportError> {
    let named = top.field("metadata").map(|metadata| metadata.text("namespace")).transpose()?.flatten();
    if is && named.is_none() {
        let why = "it is not written there, so that the policy holds in all namespaces";
        sheet.unsaid(&top.place, "the namespace that it is for", why, "write `metadata.namespace`");
    }
    Ok(named.filter(|_| is))
}

/// Globs that match at least what these patterns do.
pub(super) fn globs(patterns: &[(String, String)], sheet: &mut Sheet) -> Vec<String> {
    let mut globs = Vec::new();
    for (place, pattern) in patterns {
        let cover = Pattern::parse(pattern).cover();
        if let Some(beyond) = cover.beyond {
            let why = format!("globs are over repositories and digests, so that the rule holds for {beyond} as well");
            sheet.unsaid(place, &format!("`{pattern}`"), &why, "");
        }
        if !globs.contains(&cover.glob) {
            globs.push(cover.glob);
        }
    }
    globs
}

/// Tells of fields that only say when a rule holds: here it always does.
pub(super) fn always(at: &At<'_>, fields: &[&str], sheet: &mut Sheet) {
    for field in fields.iter().filter_map(|name| at.field(name)) {
        let empty =
            field.value.as_array().is_some_and(Vec::is_empty) || field.value.as_object().is_some_and(|o| o.is_empty());
        if !empty {
            let what = format!("`{}`", field.place.rsplit(['.', ' ']).next().unwrap_or_default());
            sheet.unsaid(&field.place, &what, "a policy here holds for all objects and images that it names", "");
        }
    }
}

/// A regular expression for a pattern in which `*` and `?` stand for anything, from beginning to end.
pub(super) fn regex(pattern: &str) -> String {
    let mut regex = "^".to_owned();
    for c in pattern.chars() {
        match c {
            '*' => regex += ".*",
            '?' => regex.push('.'),
            other => regex += &regex_syntax::escape(other.encode_utf8(&mut [0; 4])),
        }
    }
    regex + "$"
}
