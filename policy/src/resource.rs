//! Which Kubernetes objects a policy is for: `match`, by kind and labels.
//!
//! As upstream: an empty list is for every object, one entry that matches is enough, and an entry without a resource or
//! without a version matches nothing.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::object::Object;

/// The Kubernetes object that an image runs in, as far as policies look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    group: String,
    version: String,
    kind: String,
    plural: String,
    labels: BTreeMap<String, String>,
    object: Option<Arc<Value>>,
}

impl Resource {
    /// An object of this API version (`apps/v1`, `v1`) and kind, with its own labels, not those of its pod template.
    #[must_use]
    pub fn new(api_version: &str, kind: &str, labels: BTreeMap<String, String>) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        // The plural of every kind that holds a pod, and of a policy's custom resources by their usual rule.
        let plural = format!("{}s", kind.to_lowercase());
        let (group, version, kind) = (group.to_owned(), version.to_owned(), kind.to_owned());
        Self { group, version, kind, plural, labels, object: None }
    }

    /// The same, with the whole object, into which conditions may look.
    #[must_use]
    pub fn with_object(self, object: Arc<Value>) -> Self {
        Self { object: Some(object), ..self }
    }

    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// Its `spec`, `metadata` or `typemeta`, for conditions; nothing where that is not known.
    pub(crate) fn part(&self, name: &str) -> Option<Value> {
        match name {
            "typemeta" => Some(json!({ "apiVersion": self.api_version(), "kind": self.kind })),
            name => self.object.as_ref()?.get(name).cloned(),
        }
    }
}

/// One entry of `match`.
#[derive(Debug, Clone)]
pub(crate) struct ResourceMatch {
    group: String,
    version: String,
    resource: String,
    labels: Vec<LabelRule>,
}

impl ResourceMatch {
    /// Reads an entry, of which the kinds were checked already.
    pub(crate) fn read(entry: &Object<'_>) -> Self {
        let text = |name| entry.text(name).map(|text| text.value.to_owned()).unwrap_or_default();
        Self { group: text("group"), version: text("version"), resource: text("resource"), labels: label_rules(entry) }
    }

    /// Whether the object is of this group, version and resource, and has labels as wanted.
    pub(crate) fn is_about(&self, object: &Resource) -> bool {
        let version = self.version == "*" || self.version == object.version;
        let kind = self.group == object.group && !self.version.is_empty() && version && self.resource == object.plural;
        kind && self.labels.iter().all(|rule| rule.holds(&object.labels))
    }
}

/// One requirement of a LabelSelector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LabelRule {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl LabelRule {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::Absent(key) => !labels.contains_key(key),
        }
    }
}

/// A Kubernetes LabelSelector: all of its labels and expressions must hold.
fn label_rules(entry: &Object<'_>) -> Vec<LabelRule> {
    let Some(selector) = entry.object("selector", &["matchLabels", "matchExpressions"]) else { return Vec::new() };
    let mut rules = Vec::new();
    if let Some(labels) = selector.any_object("matchLabels") {
        let label = |(key, value)| LabelRule::In(key, vec![value]);
        rules.extend(labels.all_texts().into_iter().map(label));
    }
    for expression in selector.objects("matchExpressions", &["key", "operator", "values"]) {
        rules.extend(label_rule(&expression));
    }
    rules
}

fn label_rule(expression: &Object<'_>) -> Option<LabelRule> {
    let key = expression.required_text("key").map(|text| text.value.to_owned());
    let values: Vec<String> = expression.texts("values").iter().map(|text| text.value.to_owned()).collect();
    let operator = expression.required_text("operator")?;
    let has_values = !values.is_empty();
    let key = key?;
    let rule = match operator.value {
        "In" if has_values => Some(LabelRule::In(key, values)),
        "NotIn" if has_values => Some(LabelRule::NotIn(key, values)),
        "Exists" if !has_values => Some(LabelRule::Exists(key)),
        "DoesNotExist" if !has_values => Some(LabelRule::Absent(key)),
        _ => None,
    };
    operator.expect(rule.is_some(), "In or NotIn with values, Exists or DoesNotExist without");
    rule
}
