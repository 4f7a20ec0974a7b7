//! Blobs of any size, piece by piece: nothing is kept, everything is checked.

use bytes::Bytes;
use http::StatusCode;
use oci::{AnyDigest, Descriptor, Hasher, Repository};

use crate::{
    Client, Lookup, RegistryError, Violation,
    answer::Answer,
    client::{Ask, absent},
};

/// A blob as it arrives. Pieces are worth nothing before [`Download::next`] has answered none.
#[derive(Debug)]
pub struct Download {
    answer: Answer,
    wanted: AnyDigest,
    hasher: Hasher,
    size: u64,
    found: u64,
}

impl Client {
    /// Begins to fetch the blob that this descriptor names. Each piece may take as long as a whole request may.
    ///
    /// # Errors
    /// Fails unless the registry answered, in good order, that it is there or is not.
    pub async fn download(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<Lookup<Download>, RegistryError> {
        let Descriptor { digest, size, .. } = descriptor;
        let answer = self.send(Ask::get(repository, format!("blobs/{digest}"))).await?;
        match answer.status {
            StatusCode::OK => {
                let hasher = Hasher::like(digest);
                Ok(Lookup::Found(Download { answer, wanted: *digest, hasher, size: *size, found: 0 }))
            }
            StatusCode::NOT_FOUND => absent(answer).await,
            _ => Err(answer.into_error().await),
        }
    }
}

impl Download {
    /// The next piece; none if the blob is whole and has the digest and the size claimed.
    ///
    /// # Errors
    /// Fails if the connection breaks, if more or fewer bytes arrive than claimed, and if they have another digest.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let Some(piece) = self.answer.piece().await? else { return self.end().map(|()| None) };
        self.found += piece.len() as u64;
        if self.found > self.size {
            return Err(self.size_violation());
        }
        self.hasher.update(&piece);
        Ok(Some(piece))
    }

    fn end(&self) -> Result<(), RegistryError> {
        if self.found < self.size {
            return Err(self.size_violation());
        }
        match self.hasher.clone().finish() {
            found if found == self.wanted => Ok(()),
            found => Err(self.answer.violates(Violation::Digest { found: found.into(), wanted: self.wanted.into() })),
        }
    }

    fn size_violation(&self) -> RegistryError {
        self.answer.violates(Violation::Size { found: self.found, wanted: self.size })
    }
}
