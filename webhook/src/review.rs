//! The AdmissionReview that the API server sends, read strictly.
//!
//! Whatever is wrong with it, an answer needs its uid; so that is read first, and a [`Malformed`] review keeps it
//! where one can be had. JSON that two parsers could read differently is malformed.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::words;

/// Where an answer goes: the review's uid and the version it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) uid: String,
    pub(crate) version: &'static str,
}

/// A well-formed review.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) address: Address,
    pub(crate) operation: Operation,
    /// `apps/v1`, as the object's own `apiVersion` is written.
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) sub_resource: Option<String>,
    pub(crate) object: Arc<Value>,
    pub(crate) old_object: Arc<Value>,
    /// Who asks for what, for the decision log: escaped, cut.
    pub(crate) asked_by: String,
    /// Who asks, as the API server knows them.
    pub(crate) user: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// What is being done to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// A review that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It has no uid, so it cannot be answered with a review.
    Nameless(String),
    /// It can be answered: with a refusal.
    Addressed(Address, String),
}

impl Review {
    /// Reads a request's body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let value = oci::json::parse(body).map_err(|error| malformed(body, &error.to_string()))?;
        let address = address(&value)?;
        let refuse = |why: String| Malformed::Addressed(address.clone(), why);
        check_envelope(&value).map_err(refuse)?;
        let raw: Raw = serde_json::from_value(value).map_err(|e| refuse(words::cut(&e.to_string(), 200)))?;
        Ok(raw.request.checked(address))
    }

    /// The address of a review that cannot be read any further.
    pub(crate) fn address_of(body: &[u8]) -> Option<Address> {
        match malformed(body, "") {
            Malformed::Addressed(address, _) => Some(address),
            Malformed::Nameless(_) => None,
        }
    }
}

/// Looks for the uid in bytes that are not strict JSON, or not JSON to their end.
fn malformed(body: &[u8], why: &str) -> Malformed {
    let why = words::cut(why, 200);
    let envelope: Option<Envelope> = serde_json::Deserializer::from_slice(body).into_iter().next().and_then(Result::ok);
    match envelope.and_then(|e| e.request?.uid).filter(|uid| is_uid(uid)) {
        Some(uid) => Malformed::Addressed(Address { uid, version: V1 }, why),
        None => Malformed::Nameless(why),
    }
}

fn address(value: &Value) -> Result<Address, Malformed> {
    let uid = value.pointer("/request/uid").and_then(Value::as_str).filter(|uid| is_uid(uid));
    let uid = uid.ok_or_else(|| Malformed::Nameless("no usable request.uid found".to_owned()))?;
    let version = if value.get("apiVersion").is_some_and(|v| v == V1BETA1) { V1BETA1 } else { V1 };
    Ok(Address { uid: uid.to_owned(), version })
}

fn check_envelope(value: &Value) -> Result<(), String> {
    for (key, wanted) in [("apiVersion", V1), ("kind", "AdmissionReview")] {
        let found = value.get(key).and_then(Value::as_str).unwrap_or_default();
        if found != wanted {
            return Err(format!("{key} `{}` found, wanted `{wanted}`", words::cut(found, 100)));
        }
    }
    Ok(())
}

/// Kubernetes makes UUIDs; we take any short word, since all we do is to send it back.
fn is_uid(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

impl RawRequest {
    fn checked(self, address: Address) -> Review {
        let asked_by = self.asked_by();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let user = given(self.user_info.and_then(|user| user.username));
        let namespace = given(self.namespace);
        let GroupVersionKind { group, version, kind } = self.kind;
        let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
        let sub_resource = self.sub_resource.filter(|s| !s.is_empty());
        let Self { operation, object, old_object, .. } = self;
        let (object, old_object) = (Arc::new(object), Arc::new(old_object));
        Review { address, operation, api_version, kind, sub_resource, object, old_object, asked_by, user, namespace }
    }

    fn asked_by(&self) -> String {
        let user = self.user_info.as_ref().and_then(|u| u.username.as_deref()).unwrap_or("unknown");
        let place = [self.namespace.as_deref(), self.name.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        words::cut(&format!("{} {} for {user}", self.kind.kind, place.join("/")), 300)
    }
}

#[derive(Deserialize)]
struct Envelope {
    request: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    uid: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    request: RawRequest,
}

/// What we read of a request; the API server sends more, and later versions more still.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest {
    kind: GroupVersionKind,
    sub_resource: Option<String>,
    operation: Operation,
    name: Option<String>,
    namespace: Option<String>,
    user_info: Option<User>,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Deserialize)]
struct GroupVersionKind {
    group: String,
    version: String,
    kind: String,
}

#[derive(Deserialize)]
struct User {
    username: Option<String>,
}

const V1: &str = "admission.k8s.io/v1";
const V1BETA1: &str = "admission.k8s.io/v1beta1";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn review() -> Value {
        json!({"apiVersion": V1, "kind": "AdmissionReview", "request": {
            "uid": "u-1", "operation": "CREATE", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "namespace": "shop", "name": "cart", "userInfo": {"username": "ann"}, "object": {"a": 1}, "oldObject": null}})
    }

    fn refusal(value: &Value) -> (Option<String>, String) {
        match Review::parse(value.to_string().as_bytes()) {
            Err(Malformed::Addressed(address, why)) => (Some(address.uid), why),
            Err(Malformed::Nameless(why)) => (None, why),
            Ok(review) => panic!("{review:?}"),
        }
    }

    #[test]
    fn well_formed_review_is_read() {
        let review = Review::parse(review().to_string().as_bytes()).unwrap();
        assert_eq!(review.address, Address { uid: "u-1".to_owned(), version: V1 });
        assert_eq!((review.api_version.as_str(), review.kind.as_str()), ("apps/v1", "Deployment"));
        assert_eq!(
            (review.operation, &*review.object, &*review.old_object),
            (Operation::Create, &json!({"a": 1}), &json!(null))
        );
        assert_eq!(review.asked_by, "Deployment shop/cart for ann");
        assert_eq!((review.user.as_deref(), review.namespace.as_deref()), (Some("ann"), Some("shop")));
    }

    #[test]
    fn core_group_has_no_slash() {
        let mut value = review();
        value["request"]["kind"] = json!({"group": "", "version": "v1", "kind": "Pod"});
        assert_eq!(Review::parse(value.to_string().as_bytes()).unwrap().api_version, "v1");
    }

    #[test]
    fn each_broken_field_is_refused_with_the_uid() {
        let broken = [
            ("/request/operation", json!("PATCH")),
            ("/request/operation", json!("create")),
            ("/request/operation", json!(null)),
            ("/request/kind", json!(null)),
            ("/request/kind", json!({"group": "", "version": "v1"})),
            ("/request/userInfo", json!([1])),
            ("/apiVersion", json!("admission.k8s.io/v2")),
            ("/apiVersion", json!(null)),
            ("/kind", json!("ConversionReview")),
        ];
        for (pointer, value) in broken {
            let mut changed = review();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(refusal(&changed).0.as_deref(), Some("u-1"), "{pointer}");
        }
    }

    #[test]
    fn v1beta1_is_refused_in_its_own_version() {
        let mut old = review();
        old["apiVersion"] = json!(V1BETA1);
        let Err(Malformed::Addressed(address, why)) = Review::parse(old.to_string().as_bytes()) else { panic!() };
        assert_eq!(address.version, V1BETA1);
        assert_eq!(why, "apiVersion `admission.k8s.io/v1beta1` found, wanted `admission.k8s.io/v1`");
    }

    #[test]
    fn review_without_a_usable_uid_is_nameless() {
        for uid in [json!(null), json!(""), json!(7), json!("a b"), json!("a\n"), json!("u".repeat(129))] {
            let mut changed = review();
            changed["request"]["uid"] = uid;
            assert_eq!(refusal(&changed).0, None);
        }
        for body in ["", "null", "[]", "{}", "{\"request\":null}", "not json", "\u{feff}{}"] {
            assert!(matches!(Review::parse(body.as_bytes()), Err(Malformed::Nameless(_))), "{body}");
            assert_eq!(Review::address_of(body.as_bytes()), None);
        }
    }

    #[test]
    fn json_of_two_readings_is_refused_with_the_uid() {
        let twice = r#"{"request":{"uid":"u-1","object":{"a":1,"a":2}}}"#;
        let trailing = r#"{"request":{"uid":"u-1"}} {"request":{"uid":"u-2"}}"#;
        let deep = format!(r#"{{"request":{{"uid":"u-1","object":{}{}}}}}"#, "[".repeat(300), "]".repeat(300));
        let many = format!(r#"{{"request":{{"uid":"u-1","object":[{}1]}}}}"#, "1,".repeat(60_000));
        for body in [twice, trailing, &deep, &many] {
            let Err(Malformed::Addressed(address, _)) = Review::parse(body.as_bytes()) else { panic!("{body:.80}") };
            assert_eq!(address.uid, "u-1");
        }
    }

    #[test]
    fn two_uids_are_no_uid() {
        let body = r#"{"request":{"uid":"u-1","uid":"u-2"}}"#;
        assert!(matches!(Review::parse(body.as_bytes()), Err(Malformed::Nameless(_))));
    }

    #[test]
    fn a_strangers_words_are_escaped_and_cut() {
        let mut changed = review();
        changed["request"]["operation"] = json!(format!("\u{1b}[31m{}", "X".repeat(5000)));
        let why = refusal(&changed).1;
        assert!(why.chars().count() <= 200 && !why.contains('\u{1b}'), "{why}");
        changed = review();
        changed["request"]["userInfo"]["username"] = json!("eve\nallowed: yes");
        assert!(!Review::parse(changed.to_string().as_bytes()).unwrap().asked_by.contains('\n'));
    }
}
