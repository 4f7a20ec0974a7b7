//! A file of cases: `PolicyTest` of `sealgate.dev/v1`. Paths in it are relative to its folder.

use std::path::{Path, PathBuf};

use gate::Door;
use jiff::Timestamp;
use oci::ImageRef;
use policy::Asker;
use serde::Deserialize;

use super::super::files;
use crate::exit::Failure;

/// The cases of a file, at least one, and what they are about.
#[derive(Debug)]
pub(super) struct Cases {
    /// Files and folders.
    pub(super) policies: Vec<PathBuf>,
    pub(super) trusted_root: Option<PathBuf>,
    pub(super) cases: Vec<Case>,
}

/// An image, and what must be said of it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) image: ImageRef,
    /// An OCI layout; without one, the registry is asked.
    pub(super) evidence: Option<PathBuf>,
    /// A file with the Kubernetes object that it runs in.
    pub(super) object: Option<PathBuf>,
    pub(super) door: Door,
    /// Who asks, and where the image is to run; nothing, where nobody knows.
    pub(super) user: Option<String>,
    pub(super) namespace: Option<String>,
    /// When it is asked; without it, now.
    pub(super) at: Option<Timestamp>,
    pub(super) expect: Expected,
    /// Each stands somewhere in the answer.
    pub(super) reasons: Vec<String>,
}

/// What a policy says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expected {
    Allow,
    Deny,
    Undecided,
}

impl Expected {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Undecided => "undecided",
        }
    }
}

impl Cases {
    /// Reads a file; whatever is wrong with it ends the run.
    pub(super) fn parse(file: &Path) -> Result<Self, Failure> {
        let failed = |why: String| files::unusable(format_args!("{}: {why}", file.display()));
        let written: Written =
            serde_saphyr::from_str(&files::read_text(file)?).map_err(|error| failed(files::yaml_fault(&error)))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        written.checked(folder).map_err(failed)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    api_version: String,
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    policies: Option<Vec<PathBuf>>,
    trusted_root: Option<PathBuf>,
    cases: Vec<WrittenCase>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    #[serde(default, rename = "name")]
    _name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    image: String,
    evidence: Option<PathBuf>,
    object: Option<PathBuf>,
    #[serde(default)]
    door: WrittenDoor,
    user: Option<String>,
    namespace: Option<String>,
    at: Option<String>,
    expect: Expected,
    #[serde(default)]
    reasons: Vec<String>,
}

#[derive(Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenDoor {
    #[default]
    Check,
    Pull,
    Webhook,
}

impl Written {
    fn checked(self, folder: &Path) -> Result<Cases, String> {
        let Metadata { _name } = &self.metadata;
        let found = (self.api_version.as_str(), self.kind.as_str());
        if found != (API_VERSION, KIND) {
            let found = oci::excerpt(&format!("`{}` of `{}`", found.1, found.0), MAX_SHOWN);
            return Err(format!("{found} found, wanted `{KIND}` of `{API_VERSION}`"));
        }
        if self.cases.is_empty() {
            return Err("no case found, wanted at least one".to_owned());
        }
        let policies = self.policies.unwrap_or_else(|| vec![PathBuf::from(".")]);
        if policies.is_empty() {
            return Err("no policies found, wanted at least one path, or none of the field".to_owned());
        }
        let mut cases: Vec<Case> = Vec::new();
        for written in self.cases {
            if cases.iter().any(|earlier| earlier.name == written.name) {
                return Err(format!("case `{}` found twice", oci::excerpt(&written.name, MAX_SHOWN)));
            }
            let name = oci::excerpt(&written.name, MAX_SHOWN);
            cases.push(written.checked(folder).map_err(|why| format!("case `{name}`: {why}"))?);
        }
        Ok(Cases {
            policies: policies.into_iter().map(|path| folder.join(path)).collect(),
            trusted_root: self.trusted_root.map(|path| folder.join(path)),
            cases,
        })
    }
}

impl Case {
    /// Who asks, as policies see it.
    pub(super) fn asker(&self) -> Asker {
        Asker { door: self.door.in_policies(), user: self.user.clone(), namespace: self.namespace.clone() }
    }
}

impl WrittenCase {
    fn checked(self, folder: &Path) -> Result<Case, String> {
        let mut texts = self.reasons.iter().chain(&self.user).chain(&self.namespace);
        if self.name.trim().is_empty() || texts.any(String::is_empty) {
            return Err("an empty text found, which says nothing".to_owned());
        }
        let at = self.at.as_deref().map(str::parse::<Timestamp>).transpose();
        let at = at.map_err(|_| "`at` is not a time, wanted one as in 2026-01-31T12:00:00Z".to_owned())?;
        if at.is_some() && self.evidence.is_none() {
            return Err("`at` without `evidence` found: a registry only knows what is there now".to_owned());
        }
        Ok(Case {
            image: self
                .image
                .parse()
                .map_err(|why| format!("image `{}`: {why}", oci::excerpt(&self.image, MAX_SHOWN)))?,
            evidence: self.evidence.map(|path| folder.join(path)),
            object: self.object.map(|path| folder.join(path)),
            door: match self.door {
                WrittenDoor::Check => Door::Check,
                WrittenDoor::Pull => Door::Pull,
                WrittenDoor::Webhook => Door::Validate,
            },
            name: self.name,
            user: self.user,
            namespace: self.namespace,
            at,
            expect: self.expect,
            reasons: self.reasons,
        })
    }
}

const API_VERSION: &str = "sealgate.dev/v1";
const KIND: &str = "PolicyTest";
const MAX_SHOWN: usize = 200;
