//! In which order the fields of an object stand: that of its schema.

use std::sync::LazyLock;

use policy::schema::{CLUSTER_IMAGE_POLICY, IMAGE_POLICY, POLICY_TEST, TRUST_ROOT};
use serde_json::Value;

/// The order within one object, and within those below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order(Option<(&'static Value, &'static Value)>);

impl Order {
    /// Where nothing is moved.
    pub(super) const AS_IT_IS: Self = Self(None);

    /// That of a kind of object; of an unknown one, as it is.
    pub(super) fn of(kind: &str) -> Self {
        let schema: &'static Value = match kind {
            "ClusterImagePolicy" => &POLICY,
            "ImagePolicy" => &OWN,
            "TrustRoot" => &ROOT,
            "PolicyTest" => &TEST,
            _ => return Self::AS_IT_IS,
        };
        Self(Some((schema, schema)))
    }

    /// Where a field stands; unknown ones stand behind the known.
    pub(super) fn rank(self, field: &str) -> usize {
        let names = self.schema().and_then(|schema| schema["properties"].as_object());
        names.and_then(|names| names.keys().position(|name| name == field)).unwrap_or(usize::MAX)
    }

    /// That below a field.
    pub(super) fn below(self, field: &str) -> Self {
        self.step(|schema| schema["properties"].get(field))
    }

    /// That within the entries of a list.
    pub(super) fn within(self) -> Self {
        self.step(|schema| schema.get("items"))
    }

    fn step(self, to: impl Fn(&'static Value) -> Option<&'static Value>) -> Self {
        Self(self.0.zip(self.schema()).and_then(|((root, _), schema)| Some((root, to(schema)?))))
    }

    /// The schema itself, or what it refers to.
    fn schema(self) -> Option<&'static Value> {
        let (root, schema) = self.0?;
        match schema["$ref"].as_str() {
            Some(reference) => root.pointer(reference.trim_start_matches('#')),
            None => Some(schema),
        }
    }
}

static POLICY: LazyLock<Value> = LazyLock::new(|| parsed(CLUSTER_IMAGE_POLICY));
static OWN: LazyLock<Value> = LazyLock::new(|| parsed(IMAGE_POLICY));
static ROOT: LazyLock<Value> = LazyLock::new(|| parsed(TRUST_ROOT));
static TEST: LazyLock<Value> = LazyLock::new(|| parsed(POLICY_TEST));

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("schemas are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_followed_through_lists_and_references() {
        let authority = Order::of("ClusterImagePolicy").below("spec").below("authorities").within();
        assert!(authority.rank("name") < authority.rank("keyless"));
        let identity = authority.below("keyless").below("identities").within();
        assert!(identity.rank("issuer") < identity.rank("subjectRegExp"));
        assert_eq!(identity.rank("other"), usize::MAX);
        assert_eq!(identity.below("other").rank("issuer"), usize::MAX);
        assert_eq!(Order::of("Other").rank("kind"), usize::MAX);
    }
}
