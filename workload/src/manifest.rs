//! Files that name images: Kubernetes manifests, compose files, Dockerfiles.
//!
//! [`Manifest::read`] is total: it names every image that it finds and every reason why there may be one that it did
//! not find, each with its line. Whoever asks must not take a file with problems for one whose images are all known.

mod compose;
mod dockerfile;
mod form;
mod kubernetes;
mod variables;
mod yaml;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::Value;

pub use self::form::Form;
use crate::{Shape, WorkloadError};

/// What a file says of images.
#[derive(Debug, Default)]
pub struct Manifest {
    /// The images, in the order of the file; one that stands there twice is there twice.
    pub mentions: Vec<Mention>,
    /// What names no image to judge, and why that is so.
    pub passed_over: Vec<PassedOver>,
    /// Why there may be more images.
    pub problems: Vec<Problem>,
}

/// An image in a file.
#[derive(Debug, Clone)]
pub struct Mention {
    /// The image as it will be pulled, variables replaced, not yet parsed.
    pub image: String,
    /// Where it stands.
    pub at: At,
    /// The same for people: `spec.template.spec.containers[0].image`, `services.web.image`, `COPY --from`.
    pub path: String,
    /// The Kubernetes object that runs it, where one does.
    pub object: Option<Arc<Object>>,
}

/// A Kubernetes object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// All of it.
    pub value: Arc<Value>,
    /// The template that Helm rendered it from, as Helm says in a comment.
    pub source: Option<String>,
}

impl Object {
    /// The one object of a YAML or JSON file, whatever its kind.
    ///
    /// # Errors
    /// Fails if the file is too large, is no YAML, or holds anything but one object with an `apiVersion` and a `kind`.
    pub fn read(text: &str) -> Result<Self, Problem> {
        kubernetes::one(text)
    }

    /// Its `apiVersion`.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// Its `kind`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Its name; empty where it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its namespace; empty where it has none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its own [`labels`](crate::labels).
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        crate::labels(&self.value)
    }

    fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A place in a file, both counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl At {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// Something that names no image to judge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassedOver {
    /// An object of a kind that runs no pods as far as can be seen.
    Object {
        /// Its kind, escaped and cut.
        kind: String,
    },
    /// A service whose image is built and not pulled: what it is built from stands in a Dockerfile.
    Built {
        /// The service, escaped and cut.
        service: String,
    },
}

/// Why there may be images that were not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: At,
    /// Why.
    pub why: ManifestError,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The file is larger than any that people write.
    #[error("{found} bytes found, wanted at most {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        found: usize,
    },
    /// The file has more documents than any that people write.
    #[error("{found} documents found, wanted at most {most}")]
    TooManyDocuments {
        /// How many there are.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// The file names more images than any that people write.
    #[error("more than {most} images found")]
    TooManyImages {
        /// The limit.
        most: usize,
    },
    /// The file is no YAML.
    #[error("{0}")]
    Yaml(String),
    /// Something else than one object.
    #[error("{found} objects found, wanted one")]
    NotOne {
        /// How many there are.
        found: usize,
    },
    /// A document or a field has another type than it must have.
    #[error("{path}: {found} found, wanted {wanted}")]
    WrongType {
        /// Which, for people.
        path: String,
        /// What it must be.
        wanted: Shape,
        /// What it is.
        found: Shape,
    },
    /// A Kubernetes object whose images cannot be told.
    #[error("{0}")]
    Workload(WorkloadError),
    /// An object of a kind that is not known and looks as if it ran images.
    #[error("{path}: an image found, and `{kind}` of `{api_version}` is not understood")]
    NotUnderstood {
        /// Its `apiVersion`, escaped and cut.
        api_version: String,
        /// Its `kind`, escaped and cut.
        kind: String,
        /// Where the image stands.
        path: String,
    },
    /// A service with neither an image nor anything that it is built from.
    #[error("{path}: neither image nor build found, wanted one")]
    NoImage {
        /// The service.
        path: String,
    },
    /// A compose file that takes services from another file.
    #[error("{path}: services of another file found, which is not read")]
    OtherFile {
        /// Where.
        path: String,
    },
    /// A variable whose value cannot be known.
    #[error("variable `{0}` has no value here")]
    Unset(String),
    /// A variable that is replaced in a way that is not known.
    #[error("`{0}` is not understood, wanted $NAME, ${{NAME}}, ${{NAME:-value}} or ${{NAME:+value}}")]
    Substitution(String),
    /// A variable where builders replace none.
    #[error("{0}: a variable found, wanted a name")]
    NoVariables(&'static str),
    /// A quotation that does not end, or one where a plain word was wanted.
    #[error("{0}: quotation marks that cannot be read")]
    Quotes(&'static str),
    /// A word that is no instruction of Dockerfiles.
    #[error("`{0}` is no instruction of a Dockerfile")]
    Instruction(String),
    /// An instruction or a flag of one with something else behind it than it takes.
    #[error("{instruction}: wanted {wanted}")]
    Malformed {
        /// Which instruction.
        instruction: &'static str,
        /// What it takes.
        wanted: &'static str,
    },
    /// A directive at the top that is no such directive, or stands there twice.
    #[error("directive {0}")]
    Directive(&'static str),
    /// Lines that belong to an instruction have no end.
    #[error("here-document `{0}` has no end")]
    HereDocument(String),
    /// It cannot be told which lines belong to an instruction.
    #[error("here-document found behind text that builders read in different ways")]
    Ambiguous,
    /// A Dockerfile without `FROM`.
    #[error("no FROM found, wanted at least one")]
    NoBase,
    /// A stage that is used above the place where it ends.
    #[error("stage `{0}` is not complete here; builders differ in whether that is an image")]
    LaterStage(String),
    /// A number of no stage.
    #[error("stage {0} found, wanted one that is complete here")]
    NoStage(String),
}

impl Manifest {
    /// Reads a file of this form. `arguments` are what a Dockerfile's `ARG` are given, as by `docker build --build-arg`;
    /// other forms have none.
    #[must_use]
    pub fn read(form: Form, text: &str, arguments: &BTreeMap<String, String>) -> Self {
        if text.len() > MAX_BYTES {
            return Self::problem(At::START, ManifestError::TooLarge { found: text.len() });
        }
        let mut manifest = match form {
            Form::Kubernetes => kubernetes::read(text),
            Form::Compose => compose::read(text),
            Form::Dockerfile => dockerfile::read(text, arguments),
        };
        if let Some(Mention { at, .. }) = manifest.mentions.get(MAX_IMAGES) {
            manifest.object_to(*at, ManifestError::TooManyImages { most: MAX_IMAGES });
            manifest.mentions.truncate(MAX_IMAGES);
        }
        manifest
    }

    fn problem(at: At, why: ManifestError) -> Self {
        Self { problems: vec![Problem { at, why }], ..Self::default() }
    }

    fn object_to(&mut self, at: At, why: ManifestError) {
        self.problems.push(Problem { at, why });
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The largest file that is read.
pub const MAX_BYTES: usize = 16 << 20;

const MAX_IMAGES: usize = 10_000;
