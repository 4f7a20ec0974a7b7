//! Compose files: what each service runs.
//!
//! Variables have no values here but their defaults, and other files are not read: what depends on either is a problem.

use std::collections::BTreeMap;

use super::{
    At, Manifest, ManifestError, Mention, PassedOver, dockerfile,
    variables::{Quoting, Variable, expand},
    yaml::{self, Node, Value},
};
use crate::{Shape, error::excerpt};

pub(super) fn read(text: &str) -> Manifest {
    let (documents, problems) = yaml::documents(text);
    let mut manifest = Manifest { problems, ..Manifest::default() };
    for document in documents {
        project(&document.root, &mut manifest);
    }
    manifest.problems.sort_by_key(|problem| problem.at);
    manifest
}

fn project(root: &Node, manifest: &mut Manifest) {
    if let Some(include) = root.get("include") {
        manifest.object_to(include.at, ManifestError::OtherFile { path: "include".to_owned() });
    }
    match root.get("services") {
        Some(services) if matches!(services.value, Value::Object(_)) => {
            services.entries().iter().for_each(|(name, node)| Service::new(name, node).add(manifest));
        }
        other => manifest.object_to(other.unwrap_or(root).at, wrong("services", Shape::Object, other)),
    }
}

struct Service<'a> {
    /// For people.
    path: String,
    name: &'a str,
    node: &'a Node,
}

impl<'a> Service<'a> {
    fn new(name: &'a str, node: &'a Node) -> Self {
        Self { path: excerpt(&format!("services.{name}")), name, node }
    }

    fn add(&self, manifest: &mut Manifest) {
        if !matches!(self.node.value, Value::Object(_)) {
            return manifest.object_to(self.node.at, wrong(&self.path, Shape::Object, Some(self.node)));
        }
        let extends = self.node.get("extends");
        if let Some(file) = extends.and_then(|extends| extends.get("file")) {
            let path = format!("{}.extends.file", self.path);
            manifest.object_to(file.at, ManifestError::OtherFile { path });
        }
        let image = self.node.get("image").filter(|image| !matches!(image.value, Value::Null));
        let build = self.node.get("build");
        match (image, build) {
            (Some(image), _) => self.image(image, "image", manifest),
            (None, Some(_)) => manifest.passed_over.push(PassedOver::Built { service: excerpt(self.name) }),
            (None, None) if self.node.get("provider").is_some() => {
                manifest.passed_over.push(PassedOver::Object { kind: "provider".to_owned() });
            }
            (None, None) if extends.is_some() => {}
            (None, None) => manifest.object_to(self.node.at, ManifestError::NoImage { path: self.path.clone() }),
        }
        if let Some(build) = build {
            self.build(build, manifest);
        }
        self.volumes(manifest);
    }

    fn image(&self, node: &Node, field: &str, manifest: &mut Manifest) {
        let path = format!("{}.{field}", self.path);
        match text(node, &path) {
            Ok(image) if image.is_empty() => manifest.object_to(node.at, ManifestError::NoImage { path }),
            Ok(image) => manifest.mentions.push(Mention { image, at: node.at, path, object: None }),
            Err(why) => manifest.object_to(node.at, why),
        }
    }

    /// Volumes that are images.
    fn volumes(&self, manifest: &mut Manifest) {
        let Some(Node { value: Value::List(volumes), .. }) = self.node.get("volumes") else { return };
        for (index, volume) in volumes.iter().enumerate() {
            let is_image = matches!(volume.get("type"), Some(Node { value: Value::Text(kind), .. }) if kind == "image");
            if let (true, Some(source)) = (is_image, volume.get("source")) {
                self.image(source, &format!("volumes[{index}].source"), manifest);
            }
        }
    }

    /// What a build takes from images, as far as it stands in this file.
    fn build(&self, build: &Node, manifest: &mut Manifest) {
        for (name, at, context) in build.get("additional_contexts").map(members).unwrap_or_default() {
            let path = format!("{}.build.additional_contexts.{}", self.path, excerpt(&name));
            match expanded(&context.unwrap_or_default()) {
                Ok(context) => {
                    let image = context.strip_prefix("docker-image://").map(str::to_owned);
                    manifest.mentions.extend(image.map(|image| Mention { image, at, path, object: None }));
                }
                Err(why) => manifest.object_to(at, why),
            }
        }
        if let Some(inline) = build.get("dockerfile_inline") {
            self.inline(inline, build.get("args"), manifest);
        }
    }

    fn inline(&self, node: &Node, given: Option<&Node>, manifest: &mut Manifest) {
        let path = format!("{}.build.dockerfile_inline", self.path);
        let (dockerfile, arguments) = match (text(node, &path), arguments(given)) {
            (Ok(text), Ok(arguments)) => (text, arguments),
            (Err(why), _) | (_, Err(why)) => return manifest.object_to(node.at, why),
        };
        let inner = dockerfile::read(&dockerfile, &arguments);
        for mention in inner.mentions {
            let path = format!("{path}: {}", mention.path);
            manifest.mentions.push(Mention { path, at: node.at, ..mention });
        }
        inner.problems.into_iter().for_each(|problem| manifest.object_to(node.at, problem.why));
    }
}

/// The members of a mapping, or of a list of `name=value`; none for a value that is no text or not here.
fn members(node: &Node) -> Vec<(String, At, Option<String>)> {
    let text = |node: &Node| match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let Value::List(items) = &node.value else {
        return node.entries().iter().map(|(name, value)| (name.clone(), value.at, text(value))).collect();
    };
    let pair = |item: &Node| match text(item).unwrap_or_default().split_once('=') {
        Some((name, value)) => (name.to_owned(), item.at, Some(value.to_owned())),
        None => (text(item).unwrap_or_default(), item.at, None),
    };
    items.iter().map(pair).collect()
}

/// What `build.args` gives a Dockerfile. A name alone stands for what the environment says.
fn arguments(node: Option<&Node>) -> Result<BTreeMap<String, String>, ManifestError> {
    let given = |(name, _, value): (String, At, Option<String>)| match value {
        Some(value) => Ok((name, expanded(&value)?)),
        None => Err(ManifestError::Unset(excerpt(&name))),
    };
    node.map(members).unwrap_or_default().into_iter().map(given).collect()
}

fn text(node: &Node, path: &str) -> Result<String, ManifestError> {
    match &node.value {
        Value::Text(text) => expanded(text),
        _ => Err(wrong(path, Shape::Text, Some(node))),
    }
}

fn expanded(text: &str) -> Result<String, ManifestError> {
    expand(text, Quoting::Dollars, &|_| Variable::Unknown)
}

fn wrong(path: &str, wanted: Shape, found: Option<&Node>) -> ManifestError {
    let found = found.map_or(Shape::Nothing, |node| Shape::of(&node.json()));
    ManifestError::WrongType { path: path.to_owned(), wanted, found }
}
