//! What is asked of the policy: each image once, with all the places that name it.
//!
//! An image that runs in two objects is two cases where different policies are for the two, and one otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    sync::Arc,
};

use gate::{Gate, GateError, Judged};
use oci::ImageRef;
use policy::Resource;
use workload::{At, Mention, Object};

/// Where an image is named in a file, or something there cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// None where the text came by standard input.
    pub(super) file: Option<Arc<PathBuf>>,
    pub(super) at: At,
    /// Where in its document or line; empty where it is about all of it.
    pub(super) path: String,
    pub(super) object: Option<Arc<Object>>,
}

/// What was found: images as they are written, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) uses: Vec<Use>,
    pub(super) unread: Vec<(Place, Open)>,
}

/// An image that somebody wants to run.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) image: ImageRef,
    pub(super) object: Option<Resource>,
    /// None where it was named on the command line.
    pub(super) place: Option<Place>,
}

/// One question.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) subject: Subject,
    pub(super) places: Vec<Place>,
}

#[derive(Debug)]
pub(super) enum Subject {
    Image {
        image: ImageRef,
        object: Option<Box<Resource>>,
    },
    /// There may be an image here.
    Unread(Open),
}

/// Why there is no decision, and what to do about it.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) why: String,
    pub(super) hint: Option<String>,
}

/// A question with its answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) case: Case,
    pub(super) answer: Result<Judged, Open>,
}

impl Found {
    /// Adds an image that a file names. What is no image reference cannot be judged.
    pub(super) fn add(&mut self, file: Option<&Arc<PathBuf>>, mention: Mention) {
        let Mention { image, at, path, object } = mention;
        let place = Place { file: file.cloned(), at, path, object };
        match image.parse() {
            Ok(image) => {
                let object = place.object.as_deref().map(resource);
                self.uses.push(Use { image, object, place: Some(place) });
            }
            Err(error) => {
                let error: oci::ReferenceError = error;
                let shown: String = image.chars().take(200).flat_map(char::escape_debug).collect();
                self.unread.push((place, Open { why: format!("`{shown}`: {error}"), hint: None }));
            }
        }
    }

    /// Every image, once.
    pub(super) fn images(&self) -> Vec<ImageRef> {
        self.uses.iter().map(|used| &used.image).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }
}

/// The questions, in the order in which their images are first named; what cannot be read comes last.
pub(super) fn of(found: Found, gate: &Gate) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut by_image: BTreeMap<ImageRef, Vec<usize>> = BTreeMap::new();
    for Use { image, object, place } in found.uses {
        let same = by_image.entry(image.clone()).or_default();
        let alike = |case: &Case| match (&case.subject, &object) {
            (Subject::Image { object: None, .. }, None) => true,
            (Subject::Image { object: Some(one), .. }, Some(other)) => {
                **one == *other || gate.policies_are_alike(std::slice::from_ref(&image), one, other)
            }
            _ => false,
        };
        match same.iter().copied().find(|index| alike(&cases[*index])) {
            Some(index) => cases[index].places.extend(place),
            None => {
                same.push(cases.len());
                cases.push(Case {
                    subject: Subject::Image { image, object: object.map(Box::new) },
                    places: place.into_iter().collect(),
                });
            }
        }
    }
    let unread = found.unread.into_iter();
    cases.extend(unread.map(|(place, open)| Case { subject: Subject::Unread(open), places: vec![place] }));
    cases
}

impl Case {
    /// The image, or the place that could not be read.
    pub(super) fn name(&self) -> String {
        match (&self.subject, self.places.first()) {
            (Subject::Image { image, .. }, _) => image.to_string(),
            (Subject::Unread(_), Some(place)) => place.to_string(),
            (Subject::Unread(_), None) => "nothing".to_owned(),
        }
    }
}

impl Place {
    /// The file for people and reports.
    pub(super) fn file(&self) -> String {
        self.file.as_ref().map_or_else(|| "stdin".to_owned(), |file| file.display().to_string())
    }

    /// The place in its object and the object in words.
    pub(super) fn within(&self) -> String {
        let mut words = self.path.clone();
        if let Some(object) = &self.object {
            let name = [object.namespace(), object.name()].into_iter().filter(|part| !part.is_empty());
            words += &format!(" of {} {}", object.kind(), name.collect::<Vec<_>>().join("/"));
            if let Some(source) = &object.source {
                words += &format!(" from {source}");
            }
        }
        words.chars().flat_map(escaped).take(300).collect::<String>().trim().to_owned()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file().chars().flat_map(escaped).collect::<String>(), self.at)
    }
}

impl From<&GateError> for Open {
    fn from(error: &GateError) -> Self {
        Self { why: error.to_string(), hint: error.hint() }
    }
}

impl From<GateError> for Open {
    fn from(error: GateError) -> Self {
        Self::from(&error)
    }
}

/// What policies see of an object.
pub(in crate::commands) fn resource(object: &Object) -> Resource {
    Resource::new(object.api_version(), object.kind(), object.labels()).with_object(Arc::clone(&object.value))
}

/// A name in a file is a stranger's: no control character of it reaches a terminal.
fn escaped(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control();
    let (plain, spelled) = ((!hidden).then_some(c), hidden.then(|| c.escape_debug()));
    plain.into_iter().chain(spelled.into_iter().flatten())
}
