//! containers-registries.d(5): where containers/image looks for signatures.
//!
//! Here they are read beside the image. Where another program would not look there, it refuses what has its signature
//! only there; so does an import.

use std::collections::BTreeMap;

use super::{
    ImportError,
    scope::Scope,
    sheet::Sheet,
    tree::{At, documents},
};

/// What the files of a folder say.
#[derive(Debug, Default)]
pub(super) struct Registries {
    /// Whether signatures beside the image are read, by scope.
    beside: Vec<(Scope, bool)>,
}

impl Registries {
    /// Reads files, each with its name and its text, and tells what they say of other places.
    pub(super) fn read(files: &[(String, String)], sheet: &mut Sheet) -> Result<Self, ImportError> {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut beside = Vec::new();
        for (name, text) in files {
            for document in &documents(name, text)? {
                let top = At::top(name, document);
                top.only(&["default-docker", "docker"])?;
                let mut sections: Vec<(&str, At<'_>)> =
                    top.field("default-docker").map(|at| ("", at)).into_iter().collect();
                if let Some(docker) = top.field("docker") {
                    sections.extend(docker.fields()?);
                }
                for (scope, section) in sections {
                    if let Some(first) = seen.insert(scope.to_owned(), section.place.clone()) {
                        let found = format!("said in {first} already");
                        return Err(ImportError::Shape { place: section.place, found, wanted: "one section a scope" });
                    }
                    beside.extend(read(scope, &section, sheet)?);
                }
            }
        }
        Ok(Self { beside })
    }

    /// Where within a scope the signatures beside the image are read: nowhere where no file says so.
    pub(super) fn beside(&self, scope: &Scope) -> Beside {
        let below = |wanted: bool| {
            let those = self.beside.iter().filter(move |(other, reads)| *reads == wanted && scope.covers(other));
            those.map(|(other, _)| other.clone())
        };
        let parts: Vec<Scope> = if self.reads(scope) { vec![scope.clone()] } else { below(true).collect() };
        let except = below(false).filter(|other| parts.iter().any(|part| part.covers(other))).collect();
        Beside { parts, except }
    }

    /// What the nearest section says.
    fn reads(&self, scope: &Scope) -> bool {
        let above = self.beside.iter().filter(|(other, _)| other == scope || other.covers(scope));
        let mut nearest: Option<&(Scope, bool)> = None;
        for entry in above {
            if nearest.is_none_or(|(so_far, _)| so_far.covers(&entry.0)) {
                nearest = Some(entry);
            }
        }
        nearest.is_some_and(|(_, reads)| *reads)
    }
}

/// Where signatures beside the image are read.
#[derive(Debug)]
pub(super) struct Beside {
    /// The scope itself, or parts of it.
    pub(super) parts: Vec<Scope>,
    /// Where within those they are not.
    pub(super) except: Vec<Scope>,
}

fn read(scope: &str, section: &At<'_>, sheet: &mut Sheet) -> Result<Option<(Scope, bool)>, ImportError> {
    section.only(&["lookaside", "lookaside-staging", "sigstore", "sigstore-staging", "use-sigstore-attachments"])?;
    for name in ["lookaside", "sigstore"] {
        if let Some(url) = section.text(name)? {
            let why = "signatures on a server of their own are not read, only those in the registry";
            let hint = "store them in the registry, or in a repository that `source.oci` names";
            sheet.unsaid(&section.place_of(name), url, why, hint);
        }
    }
    let reads = section.flag("use-sigstore-attachments")?;
    Ok(Scope::parse(scope).zip(reads))
}
