//! `sealgate policy record`: what a policy is judged by, kept for `policy test`.
//!
//! It is an OCI layout as `cosign save` writes it, without the image's own layers: the image's manifest, and what is
//! signed about it, as the registry gave it. Nothing of it is believed for being recorded.

use std::{fs, path::PathBuf};

use oci::{Descriptor, Document, PinnedRef, Repository};
use registry::{Client, Discovery, Kind, Limits, Lookup, Reference, layout::Layout};
use serde_json::{Value, json};
use verifier::{Place, Source};

use super::super::discovery;
use crate::{
    exit::{Exit, Failure},
    flags::registry::RegistryFlags,
    output,
};

/// Records an image's manifest and what is signed about it, for `policy test`: exit 0 recorded, 1 not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    registry: RegistryFlags,
}

pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    let image = discovery::parse(&args.image)?;
    let client = args.registry.client([&image])?;
    let patience = args.registry.timeout;
    let recording = async {
        let kinds = [Kind::Signatures, Kind::Attestations];
        let (pinned, discovery) = discovery::find(&client, &image, &kinds).await?;
        let (stored_in, places) = (discovery::stored_in(&image)?, complete(&discovery)?);
        let layout = Layout::create(&args.to).map_err(Failure::failed)?;
        let recorder = Recorder { client: &client, layout, stored_in };
        recorder.record(&pinned, &places).await.map(|index| (pinned, places.len(), index))
    };
    let (pinned, count, index) = tokio::time::timeout(patience, recording)
        .await
        .map_err(|_| discovery::late(&image, patience))?
        .map_err(|failure| Failure { exit: Exit::Failed, ..failure })?;
    // What names the image comes last: half a recording is none.
    fs::write(args.to.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;
    fs::write(args.to.join("index.json"), index.to_string())?;
    let noun = if count == 1 { "signature or attestation" } else { "signatures and attestations" };
    output::line(format_args!("recorded {pinned}: {count} {noun}"));
    Ok(())
}

/// Where everything was found; what could not be looked at would be missing from the recording.
fn complete(discovery: &Discovery) -> Result<Vec<Place>, Failure> {
    match discovery.errors.first() {
        Some(error) => Err(discovery::incomplete("not recorded", error, &discovery.found.gaps, Vec::new())),
        None => Ok(discovery.found.signatures.iter().map(|one| one.place().clone()).collect()),
    }
}

struct Recorder<'a> {
    client: &'a Client,
    layout: Layout,
    stored_in: Repository,
}

impl Recorder<'_> {
    /// Copies all of it, and returns the index that names it.
    async fn record(&self, image: &PinnedRef, places: &[Place]) -> Result<Value, Failure> {
        let (mut descriptor, document) = self.manifest(image.repository(), (*image.digest()).into()).await?;
        let kind = if matches!(document, Document::Index(..)) { "imageIndex" } else { "image" };
        descriptor["annotations"] = json!({ "kind": format!("dev.cosignproject.cosign/{kind}") });
        let mut named = vec![descriptor];
        for (index, place) in places.iter().enumerate() {
            let (mut descriptor, document) = self.manifest(&self.stored_in, place.manifest).await?;
            let Document::Manifest(_, manifest) = document else { continue };
            if let Some(layer) = manifest.layers.get(place.index) {
                self.layer(layer).await?;
            }
            let kind = match place.source {
                Source::SignatureTag => "sigs",
                Source::AttestationTag => "atts",
                Source::Referrers | Source::FallbackTag => continue, // found by the subject that it names
            };
            descriptor["annotations"] = json!({ "kind": format!("dev.cosignproject.cosign/{kind}") });
            if places[..index].iter().all(|earlier| earlier.manifest != place.manifest) {
                named.push(descriptor);
            }
        }
        Ok(json!({ "schemaVersion": 2, "mediaType": oci::media_type::OCI_INDEX, "manifests": named }))
    }

    async fn manifest(&self, repository: &Repository, digest: oci::AnyDigest) -> Result<(Value, Document), Failure> {
        match self.client.manifest(repository, &Reference::Digest(digest)).await? {
            Lookup::Absent => Err(Failure::failed(format_args!("manifest {digest} is gone from {repository}"))),
            Lookup::Found(fetched) => {
                self.layout.add_blob(&fetched.bytes).map_err(Failure::failed)?;
                let descriptor = Descriptor::of(fetched.document.media_type(), &fetched.bytes);
                Ok((json!(descriptor), fetched.document))
            }
        }
    }

    async fn layer(&self, layer: &Descriptor) -> Result<(), Failure> {
        match self.client.blob(&self.stored_in, layer, Limits::default().bundle).await? {
            Lookup::Absent => {
                Err(Failure::failed(format_args!("blob {} is gone from {}", layer.digest, self.stored_in)))
            }
            Lookup::Found(bytes) => self.layout.add_blob(&bytes).map(drop).map_err(Failure::failed),
        }
    }
}
