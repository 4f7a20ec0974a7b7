//! From files to checked policies: which objects they hold, and what each is.
//!
//! All files are read to the end before anything is said, so that one run shows every problem. The settings are
//! looked for first, since they have a say in what a valid policy is.

use std::collections::BTreeMap;

use crate::{
    cluster_image_policy::{EmptyAuthorities, policy},
    config_map::Config,
    image_policy,
    model::Policy,
    object::Object,
    problem::{At, LoadErrors, Objection, Problem, Problems, excerpt},
    references::{References, Referent},
    trust_root::{self, Root},
    yaml::{Node, documents},
};

/// What the files hold. There is at least one policy, and no name twice.
pub(crate) struct Loaded {
    pub(crate) policies: Vec<Policy>,
    pub(crate) roots: BTreeMap<String, Root>,
    pub(crate) config: Config,
}

/// Reads files, each with its name and text.
pub(crate) fn load(files: &[(String, String)]) -> Result<Loaded, LoadErrors> {
    let problems: Vec<Problems> = files.iter().map(|(name, text)| Problems::of(name, text)).collect();
    let trees: Vec<Vec<Node>> =
        files.iter().zip(&problems).map(|((_, text), problems)| documents(text, problems)).collect();
    let mut entries = Vec::new();
    for (file, (nodes, problems)) in trees.iter().zip(&problems).enumerate() {
        nodes.iter().for_each(|node| entries.extend(objects(file, node, problems)));
    }
    refuse_duplicates(files, &entries);
    let config =
        entries.iter().find(|entry| entry.kind == Kind::Config).map_or(Config::STRICT, |e| Config::read(&e.top));
    let (policies, roots) = read(entries, config.empty);
    let mut found = Vec::new();
    for (problems, (name, text)) in problems.iter().zip(files) {
        let lines: Vec<&str> = if may_hold_secret(text) { Vec::new() } else { text.lines().collect() };
        found.extend(problems.take().into_iter().map(|(at, objection)| Problem::new(name, &lines, at, objection)));
    }
    match LoadErrors::of(found) {
        Some(errors) => Err(errors),
        None if policies.is_empty() => Err(LoadErrors::no_policy(files.len())),
        None => Ok(Loaded { policies, roots, config }),
    }
}

/// Whether there is a Secret in a file, as far as its text tells, be it well-formed or not: messages, which end up in
/// logs, show none of its lines.
fn may_hold_secret(text: &str) -> bool {
    let kind = Referent::Secret.name();
    text.match_indices(kind).any(|(at, _)| !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric()))
}

/// Policies and trust roots, with what they refer to.
fn read(entries: Vec<Entry<'_>>, empty: EmptyAuthorities) -> (Vec<Policy>, BTreeMap<String, Root>) {
    let (mut references, mut written, mut roots) = (References::default(), Vec::new(), BTreeMap::new());
    for Entry { kind, name, namespace, top, .. } in entries {
        match kind {
            Kind::Policy | Kind::Own => written.push((kind, name, top)),
            Kind::TrustRoot => drop(roots.insert(name, trust_root::read(&top))),
            Kind::Referent(kind) => references.add(kind, name, namespace, top),
            Kind::Config => {}
        }
    }
    let policies = written.iter().map(|(kind, name, top)| match kind {
        Kind::Own => image_policy::policy(name, top, &references),
        _ => policy(name, top, empty, &references),
    });
    let policies = policies.collect();
    references.refuse_strays();
    (policies, roots)
}

/// An object that belongs among policies.
struct Entry<'a> {
    file: usize,
    kind: Kind,
    name: String,
    namespace: Option<String>,
    top: Object<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Policy,
    Own,
    TrustRoot,
    /// The settings.
    Config,
    Referent(Referent),
}

impl Kind {
    fn of(api_version: &str, kind: &str) -> Option<Self> {
        match (api_version, kind) {
            ("policy.sigstore.dev/v1alpha1" | "policy.sigstore.dev/v1beta1", "ClusterImagePolicy") => {
                Some(Self::Policy)
            }
            ("sealgate.dev/v1", "ImagePolicy") => Some(Self::Own),
            ("policy.sigstore.dev/v1alpha1", "TrustRoot") => Some(Self::TrustRoot),
            ("v1", "ConfigMap") => Some(Self::Referent(Referent::ConfigMap)),
            ("v1", "Secret") => Some(Self::Referent(Referent::Secret)),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Policy => "ClusterImagePolicy",
            Self::Own => "ImagePolicy",
            Self::TrustRoot => "TrustRoot",
            Self::Config => Referent::ConfigMap.name(),
            Self::Referent(kind) => kind.name(),
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Policy | Self::Own | Self::TrustRoot => &["apiVersion", "kind", "metadata", "spec", "status"],
            Self::Config => &["apiVersion", "kind", "metadata", "data", "immutable"],
            Self::Referent(Referent::ConfigMap) => {
                &["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"]
            }
            Self::Referent(Referent::Secret) => {
                &["apiVersion", "kind", "metadata", "data", "stringData", "type", "immutable"]
            }
        }
    }
}

/// The object of a document, or those of a list.
fn objects<'a>(file: usize, node: &'a Node, problems: &'a Problems) -> Vec<Entry<'a>> {
    let top = Object::open_any(node, String::new(), problems);
    let Some((api_version, kind)) = header(&top, None) else { return Vec::new() };
    if !kind.ends_with("List") {
        return entry(file, node, problems, None).into_iter().collect();
    }
    let member = match (api_version.as_str(), kind.as_str()) {
        ("v1", "List") => None,
        (_, list) => Some((api_version.clone(), list.trim_end_matches("List").to_owned())),
    };
    if member.as_ref().is_some_and(|(api_version, kind)| Kind::of(api_version, kind).is_none()) {
        top.object_to(top.at_field("kind"), foreign(&api_version, &kind));
        return Vec::new();
    }
    let list = Object::open(node, String::new(), &["apiVersion", "kind", "metadata", "items"], problems);
    list.items("items").into_iter().filter_map(|(_, item)| entry(file, item, problems, member.clone())).collect()
}

/// `apiVersion` and `kind`, which items of a typed list may leave out.
fn header(top: &Object<'_>, default: Option<(String, String)>) -> Option<(String, String)> {
    match default {
        Some(default) if !top.has("apiVersion") && !top.has("kind") => Some(default),
        _ => {
            let (api_version, kind) = (top.required_text("apiVersion"), top.required_text("kind"));
            Some((api_version?.value.to_owned(), kind?.value.to_owned()))
        }
    }
}

fn entry<'a>(
    file: usize,
    node: &'a Node,
    problems: &'a Problems,
    default: Option<(String, String)>,
) -> Option<Entry<'a>> {
    let any = Object::open_any(node, String::new(), problems);
    let (api_version, kind) = header(&any, default)?;
    let Some(kind) = Kind::of(&api_version, &kind) else {
        if (api_version.as_str(), kind.as_str()) != TESTS {
            any.object_to(any.at_field("kind"), foreign(&api_version, &kind));
        }
        return None;
    };
    let settings = kind == Kind::Referent(Referent::ConfigMap) && name_of(&any) == Some(SETTINGS);
    let kind = if settings { Kind::Config } else { kind };
    let top = Object::open(node, String::new(), kind.fields(), problems);
    let Some(metadata) = top.object("metadata", &METADATA) else {
        top.object_to(top.at(), Objection::Missing { paths: vec!["metadata.name".to_owned()] });
        return None;
    };
    let namespace = metadata.text("namespace").map(|text| text.value.to_owned());
    Some(Entry { file, kind, name: metadata.required_text("name")?.value.to_owned(), namespace, top })
}

fn name_of<'a>(any: &Object<'a>) -> Option<&'a str> {
    Some(any.any_object("metadata")?.text("name")?.value)
}

fn foreign(api_version: &str, kind: &str) -> Objection {
    Objection::ForeignKind { kind: excerpt(kind), api_version: excerpt(api_version) }
}

fn refuse_duplicates(files: &[(String, String)], entries: &[Entry<'_>]) {
    let mut seen: BTreeMap<(Kind, Option<&str>, &str), (usize, At)> = BTreeMap::new();
    for Entry { file, kind, name, namespace, top } in entries {
        let of = match kind {
            Kind::Referent(_) => (*kind, namespace.as_deref(), name.as_str()),
            // Denials name a policy without its kind.
            Kind::Own => (Kind::Policy, None, name.as_str()),
            _ => (*kind, None, name.as_str()),
        };
        match seen.get(&of) {
            None => drop(seen.insert(of, (*file, top.at()))),
            Some((first, at)) => {
                let first = format!("{}:{}", excerpt(&files[*first].0), at.line);
                let objection = Objection::Duplicate { kind: kind.name(), name: excerpt(name), first };
                top.object_to(top.at_field("metadata"), objection);
            }
        }
    }
}

impl LoadErrors {
    fn no_policy(files: usize) -> Self {
        Self::of(vec![Problem::nowhere(Objection::NoPolicy { files })]).expect("one problem is given")
    }
}

/// Cases written beside the policies that they try. Passed over by their kind: a file's name must not hide a policy.
const TESTS: (&str, &str) = ("sealgate.dev/v1", "PolicyTest");

/// The ConfigMap with the settings.
pub(crate) const SETTINGS: &str = "config-policy-controller";

/// The metadata of Kubernetes objects, of which only the name matters here.
const METADATA: [&str; 15] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "finalizers",
    "ownerReferences",
    "selfLink",
    "generateName",
];
