//! The AdmissionReview that the API server gets back.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{answer::Answer, review::Address};

/// Writes an answer as an AdmissionReview in the version that the request was written in.
pub(crate) fn encode(address: Address, answer: Answer) -> Vec<u8> {
    let Answer { refusal, patch, warnings, audit, judged: _ } = answer;
    let patch = (!patch.is_empty()).then(|| STANDARD.encode(json(&patch)));
    let status = refusal.map(|refusal| {
        let (code, reason) = refusal.cause.code();
        Status { status: "Failure", code, reason, message: refusal.message }
    });
    let response = Response {
        uid: address.uid,
        allowed: status.is_none(),
        patch_type: patch.as_ref().map(|_| "JSONPatch"),
        patch,
        status,
        warnings,
        audit_annotations: audit,
    };
    json(&Review { api_version: address.version, kind: "AdmissionReview", response })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts, numbers and maps with text keys can be written as JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::answer::{Cause, Replace};

    fn sent(answer: Answer) -> Value {
        let address = Address { uid: "u-1".to_owned(), version: "admission.k8s.io/v1" };
        serde_json::from_slice(&encode(address, answer)).unwrap()
    }

    #[test]
    fn admission_without_a_change_has_no_patch_and_no_status() {
        let wanted = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "response": {"uid": "u-1", "allowed": true}});
        assert_eq!(sent(Answer::default()), wanted);
    }

    #[test]
    fn patch_is_base64_of_replace_operations() {
        let replace = Replace { path: "/spec/containers/0/image".to_owned(), value: "a@b".to_owned() };
        let response = sent(Answer { patch: vec![replace], ..Answer::default() })["response"].take();
        assert_eq!((&response["patchType"], &response["allowed"]), (&json!("JSONPatch"), &json!(true)));
        let patch = STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
        let patch: Value = serde_json::from_slice(&patch).unwrap();
        assert_eq!(patch, json!([{"op": "replace", "path": "/spec/containers/0/image", "value": "a@b"}]));
    }

    #[test]
    fn refusal_is_a_failed_status_with_code_and_reason() {
        let response = sent(Answer::refused(Cause::Undecided, "why".to_owned()))["response"].take();
        let status = json!({"status": "Failure", "code": 503, "reason": "ServiceUnavailable", "message": "why"});
        assert_eq!((&response["allowed"], &response["status"]), (&json!(false), &status));
        assert_eq!(response["auditAnnotations"], json!({"decision": "undecided"}));
    }
}
