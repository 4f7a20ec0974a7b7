use oci::{Descriptor, Document, media_type};
use registry::serve::{Limits, Options};
use serde_json::{Value, json};

use super::{Server, digest, manifest};

/// Puts a manifest that refers to `subject` and returns its digest.
async fn refer(server: &Server, subject: &[u8], more: Value) -> String {
    let mut members = json!({ "subject": Descriptor::of(media_type::OCI_MANIFEST, subject) });
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let bytes = manifest("layer", &members);
    let answer = server.put("a", &digest(&bytes), bytes.clone()).await;
    assert_eq!((answer.status, answer.header("oci-subject")), (201, digest(subject).as_str()), "{}", answer.text());
    digest(&bytes)
}

fn digests(list: &Value) -> Vec<String> {
    list["manifests"].as_array().unwrap().iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

async fn start(limits: Limits) -> (Server, Vec<u8>, String) {
    let server = Server::start(Options { limits, ..Options::default() }).await;
    let image = server.image("a", "v1", "layer").await;
    let path = format!("/v2/a/referrers/{}", digest(&image));
    (server, image, path)
}

#[tokio::test]
async fn referrer_is_listed_with_type_and_annotations() {
    let (server, image, path) = start(Limits::default()).await;
    let more = json!({ "artifactType": "application/x", "annotations": { "k": "v" } });
    let referrer = refer(&server, &image, more).await;
    let answer = server.get(&path).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, media_type::OCI_INDEX));
    assert!(matches!(Document::parse(&answer.body, Some(media_type::OCI_INDEX)), Ok(Document::Index(..))));
    let size = server.get(&format!("/v2/a/manifests/{referrer}")).await.body.len();
    let entry = json!({
        "mediaType": media_type::OCI_MANIFEST, "digest": referrer, "size": size,
        "artifactType": "application/x", "annotations": { "k": "v" },
    });
    assert_eq!(answer.json()["manifests"], json!([entry]));
}

#[tokio::test]
async fn image_without_artifact_type_goes_by_its_configuration() {
    let (server, image, path) = start(Limits::default()).await;
    refer(&server, &image, json!({ "artifactType": "" })).await;
    assert_eq!(server.get(&path).await.json()["manifests"][0]["artifactType"], media_type::OCI_CONFIG);
}

#[tokio::test]
async fn list_of_what_nothing_refers_to_is_empty() {
    let (server, image, path) = start(Limits::default()).await;
    assert_eq!(digests(&server.get(&path).await.json()), [""; 0]);
    refer(&server, &image, json!({})).await;
    let elsewhere = server.get(&format!("/v2/b/referrers/{}", digest(&image))).await;
    assert_eq!((elsewhere.status, digests(&elsewhere.json()).len()), (200, 0));
    server.get("/v2/a/referrers/sha256:00").await.assert_refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn subject_may_come_after_its_referrer() {
    let server = Server::start(Options::default()).await;
    server.image("a", "v1", "layer").await;
    let later = manifest("layer", &json!({ "annotations": { "later": "yes" } }));
    let referrer = refer(&server, &later, json!({})).await;
    let list = server.get(&format!("/v2/a/referrers/{}", digest(&later))).await.json();
    assert_eq!(digests(&list), [referrer]);
}

#[tokio::test]
async fn filter_leaves_one_type_and_says_so() {
    let (server, image, path) = start(Limits::default()).await;
    let wanted = refer(&server, &image, json!({ "artifactType": "application/x+json" })).await;
    refer(&server, &image, json!({ "artifactType": "application/y" })).await;
    let filtered = server.get(&format!("{path}?artifactType=application%2Fx%2Bjson")).await;
    assert_eq!((digests(&filtered.json()), filtered.header("oci-filters-applied")), (vec![wanted], "artifactType"));
    let none = server.get(&format!("{path}?artifactType=application%2Fx")).await;
    assert_eq!(digests(&none.json()).len(), 0);
    let all = server.get(&path).await;
    assert_eq!((digests(&all.json()).len(), all.header("oci-filters-applied")), (2, ""));
}

async fn all_pages(server: &Server, path: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), path.to_owned());
    while !next.is_empty() {
        let answer = server.get(&next).await;
        pages.push(digests(&answer.json()));
        assert!(pages.len() < 20, "pages without end");
        let link = answer.header("link");
        next = link.split('>').next().unwrap().trim_start_matches('<').to_owned();
    }
    pages
}

#[tokio::test]
async fn pages_hold_every_referrer_once_and_keep_the_filter() {
    let (server, image, path) = start(Limits { page: 2, ..Limits::default() }).await;
    let mut wanted = Vec::new();
    for n in 0..5 {
        let kind = |kind: &str| json!({ "artifactType": kind, "annotations": { "n": n.to_string() } });
        wanted.push(refer(&server, &image, kind("application/x+json")).await);
        refer(&server, &image, kind("application/y")).await;
    }
    wanted.sort();
    let pages = all_pages(&server, &format!("{path}?artifactType=application%2Fx%2Bjson")).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat(), wanted);
    assert_eq!(all_pages(&server, &path).await.concat().len(), 10);
}

#[tokio::test]
async fn pages_are_cut_by_size() {
    let (server, image, path) = start(Limits { manifest_bytes: 1500, ..Limits::default() }).await;
    for n in ["1", "2", "3"] {
        refer(&server, &image, json!({ "annotations": { "n": n.repeat(600) } })).await;
    }
    let pages = all_pages(&server, &path).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test]
async fn deleted_referrer_is_no_longer_listed() {
    let (server, image, path) = start(Limits::default()).await;
    let first = refer(&server, &image, json!({ "annotations": { "n": "1" } })).await;
    let second = refer(&server, &image, json!({ "annotations": { "n": "2" } })).await;
    assert_eq!(server.delete(&format!("/v2/a/manifests/{first}")).await.status, 202);
    assert_eq!(digests(&server.get(&path).await.json()), std::slice::from_ref(&second));
    assert_eq!(server.delete(&format!("/v2/a/manifests/{second}")).await.status, 202);
    assert_eq!(digests(&server.get(&path).await.json()).len(), 0);
}

#[tokio::test]
async fn without_the_api_there_is_no_list_and_no_subject_header() {
    let server = Server::start(Options { referrers: false, ..Options::default() }).await;
    let image = server.image("a", "v1", "layer").await;
    let subject = json!({ "subject": Descriptor::of(media_type::OCI_MANIFEST, &image) });
    let answer = server.put("a", "v2", manifest("layer", &subject)).await;
    assert_eq!((answer.status, answer.headers.contains_key("oci-subject")), (201, false));
    server.get(&format!("/v2/a/referrers/{}", digest(&image))).await.assert_refused(404, "UNSUPPORTED");
}
