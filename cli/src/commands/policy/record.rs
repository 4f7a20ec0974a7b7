//! `sealgate policy record`: what a policy is judged by, kept for `policy test`.
//!
//! It is an OCI layout as `cosign save` writes it, without the image's own layers: the image's manifest, and what is
//! signed about it, as the registry gave it; the same of everything that the image lists, and of the index that it was
//! picked from. Nothing of it is believed for being recorded.

use std::{fs, path::PathBuf};

use futures::future::try_join_all;
use gate::GateError;
use oci::{Descriptor, Digest, Document, ImageRef, PinnedRef, Repository, location::TagPrefix};
use registry::{Client, Discovery, Kind, Limits, Lookup, Reference, layout::Layout};
use serde_json::{Value, json};
use verifier::{Place, Source};

use super::super::{discovery, local_image};
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
        let (pinned, discovery) = discovery::find(&client, &image, &KINDS).await?;
        let (stored_in, places) = (discovery::stored_in(&image)?, complete(&discovery)?);
        let family = Family::of(&client, &image, &pinned).await?;
        let others = family.places(&client, &pinned, &stored_in).await?;
        let layout = Layout::create(&args.to).map_err(Failure::failed)?;
        let recorder = Recorder { client: &client, layout, stored_in };
        let mut named = recorder.record(&pinned, &places).await?;
        named.extend(recorder.record_family(pinned.repository(), &family, &others).await?);
        Ok::<_, Failure>((pinned, places.len(), others, named))
    };
    let (pinned, count, others, named) = tokio::time::timeout(patience, recording)
        .await
        .map_err(|_| discovery::late(&image, patience))?
        .map_err(|failure| Failure { exit: Exit::Failed, ..failure })?;
    // What names the image comes last: half a recording is none.
    fs::write(args.to.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;
    let index = json!({ "schemaVersion": 2, "mediaType": oci::media_type::OCI_INDEX, "manifests": named });
    fs::write(args.to.join("index.json"), index.to_string())?;
    output::line(format_args!("recorded {pinned}: {}", counted(count)));
    let (manifests, count) = (others.len(), others.iter().map(|(_, places)| places.len()).sum());
    match manifests {
        0 => {}
        1 => output::line(format_args!("recorded with it 1 manifest: {}", counted(count))),
        _ => output::line(format_args!("recorded with it {manifests} manifests: {}", counted(count))),
    }
    Ok(())
}

fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "signature or attestation" } else { "signatures and attestations" })
}

/// What an image lists, and the index that it was picked from.
struct Family {
    children: Vec<Digest>,
    index: Option<Digest>,
}

impl Family {
    async fn of(client: &Client, image: &ImageRef, pinned: &PinnedRef) -> Result<Self, Failure> {
        let children = match gate::children(client, pinned).await {
            Ok(children) => children.iter().map(|child| child.digest).collect(),
            Err(GateError::Index(found)) => {
                output::note(format_args!("what the image lists is not recorded: there is {found}"));
                Vec::new()
            }
            Err(error) => return Err(Failure::failed(error)),
        };
        let index = gate::index(client, image, pinned.digest()).await.map_err(Failure::failed)?;
        Ok(Self { children, index })
    }

    /// All of them, with what is signed about each.
    async fn places(
        &self,
        client: &Client,
        image: &PinnedRef,
        stored_in: &Repository,
    ) -> Result<Vec<(Digest, Vec<Place>)>, Failure> {
        let prefix = TagPrefix::default();
        let all = self.children.iter().chain(&self.index).map(|digest| {
            let (pinned, prefix) = (PinnedRef::new(image.repository().clone(), *digest), &prefix);
            async move {
                let discovery = client.discover_kinds(&pinned, stored_in, prefix, &KINDS).await;
                complete(&discovery).map(|places| (*digest, places))
            }
        });
        try_join_all(all).await
    }
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
    /// Copies the image and what is signed about it, and returns what the index names of it.
    async fn record(&self, image: &PinnedRef, places: &[Place]) -> Result<Vec<Value>, Failure> {
        let (mut descriptor, document) = self.manifest(image.repository(), (*image.digest()).into()).await?;
        let kind = if matches!(document, Document::Index(..)) { "imageIndex" } else { "image" };
        descriptor["annotations"] = json!({ "kind": format!("dev.cosignproject.cosign/{kind}") });
        let mut named = vec![descriptor];
        named.extend(self.signed(places, local_image::note).await?);
        Ok(named)
    }

    /// The same of the image's relatives.
    async fn record_family(
        &self,
        repository: &Repository,
        family: &Family,
        others: &[(Digest, Vec<Place>)],
    ) -> Result<Vec<Value>, Failure> {
        let mut named = Vec::new();
        for (digest, places) in others {
            let (descriptor, _) = self.manifest(repository, (*digest).into()).await?;
            if family.index == Some(*digest) {
                named.push(annotated(descriptor, local_image::note_of_index()));
            }
            named.extend(self.signed(places, |source| local_image::note_of_other(source, digest)).await?);
        }
        Ok(named)
    }

    /// Copies what is signed, and returns the entries that are found by what is noted of them.
    async fn signed(&self, places: &[Place], note: impl Fn(Source) -> Option<Note>) -> Result<Vec<Value>, Failure> {
        let mut named = Vec::new();
        for (index, place) in places.iter().enumerate() {
            let (descriptor, document) = self.manifest(&self.stored_in, place.manifest).await?;
            let Document::Manifest(_, manifest) = document else { continue };
            if let Some(layer) = manifest.layers.get(place.index) {
                self.layer(layer).await?;
            }
            // without a note, it is found by the subject that it names
            let Some(note) = note(place.source) else { continue };
            if places[..index].iter().all(|earlier| earlier.manifest != place.manifest) {
                named.push(annotated(descriptor, note));
            }
        }
        Ok(named)
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

/// Annotations of an entry.
type Note = Vec<(&'static str, String)>;

fn annotated(mut descriptor: Value, note: Note) -> Value {
    descriptor["annotations"] = note.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    descriptor
}

const KINDS: [Kind; 2] = [Kind::Signatures, Kind::Attestations];
