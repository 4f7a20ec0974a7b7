//! Which objects a rule of Kyverno is about: of that, policies here know the namespace.

use super::{ImportError, kyverno::always, sheet::Sheet, tree::At};

/// The namespaces that a rule is for, all where there is none; with whatever else narrows it told. The policy itself may
/// be for one namespace.
pub(super) fn matching(rule: &At<'_>, namespace: Option<&str>, sheet: &mut Sheet) -> Result<Vec<String>, ImportError> {
    let Some(matching) = rule.field("match") else { return Ok(namespace.map(str::to_owned).into_iter().collect()) };
    let (any, mut all) = (matching.list("any")?, matching.list("all")?);
    all.push(matching.clone());
    let found = match namespace {
        Some(namespace) => Some(vec![namespace.to_owned()]),
        None => namespaces(&any, &all)?,
    };
    for filter in any.iter().chain(&all) {
        always(filter, &["roles", "clusterRoles", "subjects"], sheet);
        let Some(resources) = filter.field("resources") else { continue };
        let beside = resources.beside(&["kinds"])?;
        let said = |name: &str| name == "namespaces" && namespace.is_none() && found.is_some();
        always(&resources, &beside.iter().map(|(name, _)| *name).filter(|name| !said(name)).collect::<Vec<_>>(), sheet);
        for kind in resources.texts("kinds")? {
            if !KINDS.contains(&kind.rsplit('/').next().unwrap_or_default()) {
                let why = "images of all objects that run any are judged, and of no others";
                sheet.unsaid(&resources.place_of("kinds"), &format!("kind `{kind}`"), why, "");
            }
        }
    }
    Ok(found.unwrap_or_default())
}

/// The namespaces that filters name, if they can be said: those of any one of them, or those of the only one that names
/// some.
fn namespaces(any: &[At<'_>], all: &[At<'_>]) -> Result<Option<Vec<String>>, ImportError> {
    let each = |filters: &[At<'_>]| -> Result<Vec<Vec<String>>, ImportError> {
        let one = |filter: &At<'_>| -> Result<Vec<String>, ImportError> {
            let texts = filter.field("resources").map(|at| at.texts("namespaces")).transpose()?.unwrap_or_default();
            Ok(texts.into_iter().map(str::to_owned).collect())
        };
        filters.iter().map(one).collect()
    };
    let (any, mut all) = (each(any)?, each(all)?);
    all.retain(|names| !names.is_empty());
    let found = match (any.is_empty(), all.as_slice()) {
        (true, [only]) => only.clone(),
        (false, []) if any.iter().all(|names| !names.is_empty()) => any.concat(),
        _ => return Ok(None),
    };
    Ok(Some(found).filter(|names| names.iter().all(|name| is_sayable(name))))
}

/// In both a star stands for any text; nothing else of Kyverno's patterns is known here.
fn is_sayable(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '*';
    !name.is_empty() && name.len() <= 63 && name.chars().all(plain)
}

/// Kinds of objects that run images.
const KINDS: [&str; 9] =
    ["Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "*"];
