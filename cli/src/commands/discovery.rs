//! An image and what is stored beside it, for the commands that verify.

use std::time::{Duration, SystemTime};

use oci::{AnyDigest, ImageRef, PinnedRef, Repository, location::TagPrefix};
use registry::{Client, Discovery, Kind, Lookup, RegistryError};
use rustls_pki_types::UnixTime;

use super::local_image;
use crate::{
    exit::{Exit, Failure},
    flags::{registry::RegistryFlags, repository},
};

/// Images whose signatures are looked for.
pub(super) enum Images {
    /// In registries.
    Remote {
        /// How they are asked.
        client: Client,
        /// The images, in the order in which they were typed.
        images: Vec<ImageRef>,
        /// How long one image may take.
        patience: Duration,
    },
    /// In folders.
    Local(Vec<String>),
}

impl Images {
    /// Those that were typed: names, or folders.
    pub(super) fn typed(texts: &[String], local: bool, flags: &RegistryFlags) -> Result<Self, Failure> {
        if local {
            return Ok(Self::Local(texts.to_vec()));
        }
        let images = texts.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
        let client = flags.clone().with_environment()?.client(&images)?;
        Ok(Self::Remote { client, images, patience: flags.timeout })
    }

    /// The image at this place by digest, and what is found for it.
    pub(super) async fn find(&self, at: usize, kind: Kind) -> Result<(PinnedRef, Discovery), Failure> {
        match self {
            Self::Local(folders) => local_image::find(&folders[at], &[kind]),
            Self::Remote { client, images, patience } => {
                let found = tokio::time::timeout(*patience, find(client, &images[at], &[kind])).await;
                found.map_err(|_| late(&images[at], *patience))?
            }
        }
    }
}

/// An image as it was typed.
pub(super) fn parse(text: &str) -> Result<ImageRef, Failure> {
    text.parse().map_err(|why| Failure::failed(format_args!("image `{text}`: {why}")))
}

/// Where signatures of an image are stored.
pub(super) fn stored_in(image: &ImageRef) -> Result<Repository, Failure> {
    Ok(repository::from_environment()?.unwrap_or_else(|| image.repository().clone()))
}

/// The image by digest, and what of these kinds is found for it. An image asked for by digest is looked up together with
/// that.
pub(super) async fn find(client: &Client, image: &ImageRef, kinds: &[Kind]) -> Result<(PinnedRef, Discovery), Failure> {
    let (stored_in, prefix) = (stored_in(image)?, TagPrefix::default());
    let absent = || Failure::new(Exit::NoImage, format_args!("image `{image}` does not exist in its registry"));
    let existing = |lookup: Result<Lookup<registry::Resolved>, RegistryError>| match lookup? {
        Lookup::Found(resolved) => Ok(resolved.pinned),
        Lookup::Absent => Err(absent()),
    };
    if let Some(digest) = image.digest().and_then(AnyDigest::sha256) {
        let pinned = PinnedRef::new(image.repository().clone(), digest);
        let discovery = client.discover_kinds(&pinned, &stored_in, &prefix, kinds);
        let (resolved, discovery) = tokio::join!(client.resolve(image), discovery);
        return existing(resolved).map(|pinned| (pinned, discovery));
    }
    let pinned = existing(client.resolve(image).await)?;
    let discovery = client.discover_kinds(&pinned, &stored_in, &prefix, kinds).await;
    Ok((pinned, discovery))
}

/// That nothing can be said, since some places could not be looked at; `known` is what was found elsewhere.
pub(super) fn incomplete(said: &str, error: &RegistryError, gaps: &[verifier::Gap], known: Vec<String>) -> Failure {
    let gaps = gaps.iter().map(|gap| format!("could not look at {gap}"));
    let failure = Failure::failed(format_args!("{said}: {error}"));
    Failure { hint: error.hint().map(str::to_owned), ..failure }.details(gaps.chain(known).collect())
}

/// That the time ran out.
pub(super) fn late(image: &ImageRef, after: Duration) -> Failure {
    let registry = image.repository().domain();
    Failure::failed(format_args!("registry {registry}: no answer within {:.1} s", after.as_secs_f64()))
}

pub(super) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO))
}
