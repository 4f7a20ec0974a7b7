//! The API server's part: it sends admission reviews to the webhook over HTTPS, and applies the patch it gets.

use std::{net::TcpListener, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use gate::{DecisionLog, Gate};
use oci::{Digest, ImageRef};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use webhook::{Tls, Webhook};

use super::stage::{Stage, surprise};
use crate::{exit::Failure, output};

pub(crate) struct ApiServer {
    client: reqwest::Client,
    url: String,
    serving: JoinHandle<()>,
}

impl ApiServer {
    /// Starts the webhook with the stage's policy, and trusts the authority that the webhook made. A webhook believes
    /// for five seconds that an image is unsigned; one that has just started believes nothing, so nobody waits.
    pub(crate) async fn start(stage: &Stage) -> Result<Self, Failure> {
        let policies = gate::load(&stage.path("policy.yaml")).map_err(Failure::failed)?;
        let gate = Gate::new(stage.client().clone(), None, DecisionLog::Off);
        gate.put_in_force(Arc::new(policies));
        let tls = Tls::own(&[]).map_err(Failure::failed)?;
        let authority = reqwest::Certificate::from_pem(tls.authority().unwrap_or_default().as_bytes());
        let authority = authority.map_err(Failure::failed)?;
        let client = reqwest::Client::builder().tls_certs_only([authority]).timeout(Duration::from_secs(20)).build();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("https://{}", listener.local_addr()?);
        let serving = tokio::spawn(async move {
            let router = webhook::router(Webhook::new(gate));
            if let Err(error) = webhook::serve(listener, tls, router, std::future::pending()).await {
                output::note(format_args!("the webhook stopped: {error}"));
            }
        });
        Ok(Self { client: client.map_err(Failure::failed)?, url, serving })
    }

    /// The webhook refuses a Pod with this image, and says why.
    pub(crate) async fn refuses(&self, stage: &Stage, image: &ImageRef, why: &str) -> Result<(), Failure> {
        let name = image.to_string();
        stage.say(&format!("$ kubectl run cart --image {name}   # to an API server that asks the webhook"));
        let response = self.review("mutate", &name).await?;
        let message = response["status"]["message"].as_str().unwrap_or_default();
        stage.say("  Error from server (BadRequest): admission webhook denied the request:");
        message.lines().for_each(|line| stage.say(&format!("    {line}")));
        match response["allowed"] == false && message.contains(why) {
            true => Ok(()),
            false => Err(surprise(&format!("the webhook answered {response}"))),
        }
    }

    /// The webhook admits a Pod with this image and pins it. Answers the digest.
    pub(crate) async fn admits(&self, stage: &Stage, image: &ImageRef) -> Result<Digest, Failure> {
        let name = image.to_string();
        stage.say(&format!("$ kubectl run cart --image {name}   # to an API server that asks the webhook"));
        let response = self.review("mutate", &name).await?;
        let pinned = patched(&response, &name).ok_or_else(|| surprise(&format!("the webhook answered {response}")))?;
        let validated = self.review("validate", &pinned).await?;
        if response["allowed"] != true || validated["allowed"] != true {
            return Err(surprise(&format!("the webhook answered {response} and {validated}")));
        }
        stage.say(&format!("  pod/cart created with image {pinned}"));
        pinned.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok()).ok_or_else(|| surprise("no digest"))
    }

    async fn review(&self, path: &str, image: &str) -> Result<Value, Failure> {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "cart", "namespace": "shop" },
            "spec": { "containers": [{ "name": "cart", "image": image }] } });
        let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "1b5d0b3a-7e55-4a5a-8a39-1d1a6b9fd001", "operation": "CREATE", "namespace": "shop", "name": "cart",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "userInfo": { "username": "demo" }, "object": pod, "oldObject": null } });
        let request = self.client.post(format!("{}/{path}?timeout=10s", self.url));
        let request = request.header("content-type", "application/json").body(review.to_string());
        let bytes = request.send().await.map_err(Failure::failed)?.bytes().await.map_err(Failure::failed)?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(Failure::failed)?;
        Ok(answer["response"].clone())
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The image after the patch, or as it was where there is nothing to patch.
fn patched(response: &Value, image: &str) -> Option<String> {
    let Some(patch) = response["patch"].as_str() else { return Some(image.to_owned()) };
    let operations: Value = serde_json::from_slice(&BASE64_STANDARD.decode(patch).ok()?).ok()?;
    let pinned = operations[0]["value"].as_str()?;
    (operations[0]["path"] == "/spec/containers/0/image").then(|| pinned.to_owned())
}
