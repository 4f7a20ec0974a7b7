//! ConfigMaps and Secrets among the files, which policies refer to by name.
//!
//! In a cluster they lie in the namespace of whoever runs the gate. Among files a name is enough, as long as one object
//! has it; of several, the one in policy-controller's own namespace counts. One that no policy refers to does not belong
//! among policies: it may be the ConfigMap with the settings, under a name that is mistyped.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    NotReady,
    object::{Object, Text},
    problem::{At, Objection, excerpt},
};

/// What can be referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Referent {
    ConfigMap,
    Secret,
}

impl Referent {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }

    /// The objection to one that nothing refers to.
    fn stray(self, name: &str) -> Objection {
        let name = excerpt(name);
        match self {
            Self::ConfigMap => Objection::ForeignConfigMap { name },
            Self::Secret => Objection::ForeignSecret { name },
        }
    }
}

/// All of them, by kind and name; under one name at most one of each namespace.
#[derive(Default)]
pub(crate) struct References<'a> {
    objects: BTreeMap<(Referent, String), Vec<Placed<'a>>>,
    used: RefCell<BTreeSet<(Referent, String)>>,
}

struct Placed<'a> {
    namespace: Option<String>,
    top: Object<'a>,
}

impl<'a> References<'a> {
    /// Takes up an object.
    pub(crate) fn add(&mut self, kind: Referent, name: String, namespace: Option<String>, top: Object<'a>) {
        self.objects.entry((kind, name)).or_default().push(Placed { namespace, top });
    }

    /// The text of a ConfigMap's entry. A namespace that the policy gives has no say, as upstream.
    ///
    /// # Errors
    /// Fails if there is no such ConfigMap, or no such entry in it.
    pub(crate) fn config_map(&self, name: &Text<'_>, key: &str) -> Result<Text<'a>, NotReady> {
        let top = self.find(Referent::ConfigMap, name, None)?;
        let wanted = || format!("entry `{}` of ConfigMap {}", excerpt(key), excerpt(name.value));
        let text = top.any_object("data").and_then(|data| data.text(key));
        text.ok_or_else(|| NotReady::NoReference { field: name.path.clone(), wanted: wanted() })
    }

    /// The one text in a Secret, of this namespace if one is given.
    ///
    /// # Errors
    /// Fails if there is no such Secret, or not exactly one text in it. What it holds is never said.
    pub(crate) fn secret(&self, name: &Text<'_>, namespace: Option<&str>) -> Result<String, NotReady> {
        let top = self.find(Referent::Secret, name, namespace)?;
        let entries = entries(top);
        let held = format!("Secret {}", excerpt(name.value));
        let unusable = |why: String| NotReady::UnusableReference { field: name.path.clone(), why };
        let mut values = entries.into_values();
        match (values.next(), values.len()) {
            (Some(value), 0) => value.ok_or_else(|| unusable(format!("{held} holds no text in base64"))),
            (first, rest) => {
                let count = usize::from(first.is_some()) + rest;
                Err(unusable(format!("{held} has {count} entries, wanted exactly one")))
            }
        }
    }

    /// The Secret of this name; nothing if it is not there. Where it could be one of several, the files do not load.
    pub(crate) fn pull_secret(&self, name: &Text<'_>) -> Option<&Object<'a>> {
        self.find(Referent::Secret, name, None).ok()
    }

    /// Notes that something refers to this object.
    pub(crate) fn mark(&self, kind: Referent, name: &str) {
        self.used.borrow_mut().insert((kind, name.to_owned()));
    }

    /// Objects to what no policy refers to.
    pub(crate) fn refuse_strays(&self) {
        let used = self.used.borrow();
        for ((kind, name), all) in self.objects.iter().filter(|(of, _)| !used.contains(of)) {
            all.iter().for_each(|one| one.top.object_to(place(&one.top), kind.stray(name)));
        }
    }

    /// The object of this name.
    fn find(&self, kind: Referent, name: &Text<'_>, namespace: Option<&str>) -> Result<&Object<'a>, NotReady> {
        self.mark(kind, name.value);
        let of = (kind, name.value.to_owned());
        let stated = |one: &&Placed<'_>| one.namespace.as_deref().is_none_or(|own| namespace.is_none_or(|n| n == own));
        let all: Vec<&Placed<'a>> = self.objects.get(&of).into_iter().flatten().filter(stated).collect();
        let preferred = namespace.unwrap_or(CONTROLLER);
        match all[..] {
            [] => {
                let wanted = format!("{} {}", kind.name(), excerpt(name.value));
                Err(NotReady::NoReference { field: name.path.clone(), wanted })
            }
            [only] => Ok(&only.top),
            _ => match all.iter().find(|one| one.namespace.as_deref() == Some(preferred)) {
                Some(one) => Ok(&one.top),
                None => Err(ambiguous(kind, name, &all)),
            },
        }
    }
}

/// Which of them is meant would be a guess: a problem of the files, beside the policy not being ready.
fn ambiguous(kind: Referent, name: &Text<'_>, all: &[&Placed<'_>]) -> NotReady {
    let names = all.iter().map(|one| one.namespace.as_deref().map_or_else(|| "none".to_owned(), excerpt));
    let namespaces: Vec<String> = names.collect();
    let objection = Objection::Ambiguous { kind: kind.name(), name: excerpt(name.value), namespaces };
    let wanted = format!("{} {}", kind.name(), excerpt(name.value));
    if let Some(last) = all.last() {
        last.top.object_to(place(&last.top), objection);
    }
    NotReady::NoReference { field: name.path.clone(), wanted }
}

/// What a Secret holds, by name; nothing for what is no text. What is written plainly goes before what is encoded, as
/// the API server has it.
fn entries(secret: &Object<'_>) -> BTreeMap<String, Option<String>> {
    let texts = |field: &str| secret.any_object(field).map(|data| data.all_texts()).unwrap_or_default();
    let decoded = |text: &str| {
        let compact: String = text.split_ascii_whitespace().collect();
        BASE64_STANDARD.decode(compact).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    };
    let encoded = texts("data").into_iter().map(|(name, text)| (name, decoded(&text)));
    encoded.chain(texts("stringData").into_iter().map(|(name, text)| (name, Some(text)))).collect()
}

fn place(top: &Object<'_>) -> At {
    top.any_object("metadata").map_or_else(|| top.at(), |metadata| metadata.at_field("name"))
}

/// What is gathered while a policy is read, beside what it says.
pub(crate) struct Context<'r, 'a> {
    pub(crate) references: &'r References<'a>,
    /// Fields, by path, that this version cannot evaluate.
    pub(crate) unsupported: Vec<String>,
    /// What it refers to and cannot have.
    pub(crate) lacks: Vec<NotReady>,
}

impl<'r, 'a> Context<'r, 'a> {
    pub(crate) fn new(references: &'r References<'a>) -> Self {
        Self { references, unsupported: Vec::new(), lacks: Vec::new() }
    }

    /// Why a policy, with authorities or without, cannot be evaluated.
    pub(crate) fn unready(self, no_authorities: bool) -> Option<NotReady> {
        match (no_authorities, self.unsupported.is_empty()) {
            (true, _) => Some(NotReady::NoAuthorities),
            (false, false) => Some(NotReady::Uses(self.unsupported)),
            (false, true) => self.lacks.into_iter().next(),
        }
    }
}

/// Where policy-controller is installed, and looks.
const CONTROLLER: &str = "cosign-system";
