//! Signing an image: each signature made, looked at, and stored.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci::{
    Digest, ImageRef, Repository, location,
    location::{Attachment, EMPTY_CONFIG},
    simple_signing,
};
use registry::{Client, NewLayer};
use verifier::{Place, SIGN_PREDICATE};

use crate::{
    Check, Credential, Made, Services, SignError, Target, clock, content::Content, present::Present, statement, target,
};

/// In which format signatures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A layer under the tag `sha256-<hex>.sig`, which every verifier of cosign's signatures reads.
    Legacy,
    /// A Sigstore bundle that refers to the image, as cosign 3 writes.
    Bundle,
    /// Both.
    Both,
}

impl Format {
    /// The formats of the single signatures, in the order in which they are stored.
    pub(crate) fn each(self) -> &'static [verifier::Format] {
        match self {
            Self::Legacy => &[verifier::Format::Legacy],
            Self::Bundle => &[verifier::Format::Bundle],
            Self::Both => &[verifier::Format::Legacy, verifier::Format::Bundle],
        }
    }
}

/// Makes and stores signatures and attestations of images.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The registry client.
    pub client: Client,
    /// Where signatures are stored; beside the image where this is none.
    pub stored_in: Option<Repository>,
    /// In which format.
    pub format: Format,
    /// What the signer says beside the digest.
    pub annotations: BTreeMap<String, String>,
    /// Who else takes part.
    pub services: Services,
    /// How what was made is looked at before it is stored; not at all where this is none.
    pub check: Option<Check>,
    /// Whether it is stored.
    pub upload: bool,
}

/// What was signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The digest.
    pub digest: Digest,
    /// The repository that the signature was stored in, or would have been.
    pub stored_in: Repository,
    /// The same signer had signed the same before, in all formats that were asked for; nothing was added.
    pub unchanged: bool,
    /// What was made.
    pub made: Vec<Made>,
    /// Where the rest was before.
    pub present: Vec<Place>,
}

impl Signer {
    /// Signs with a key alone: bundles, stored beside the image, nothing logged, nothing looked at.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            stored_in: None,
            format: Format::Bundle,
            annotations: BTreeMap::new(),
            services: Services::none(),
            check: None,
            upload: true,
        }
    }

    /// What signing this image means: the manifest or index it names, and if `recursive` every manifest below.
    ///
    /// # Errors
    /// Fails if something does not exist or cannot be read, and if there are more than 1,000 manifests.
    pub async fn targets(&self, image: &ImageRef, recursive: bool) -> Result<Vec<Target>, SignError> {
        target::targets(&self.client, image, recursive).await
    }

    /// Signs one target and stores the signature.
    ///
    /// What the same signer has stored before, in the same format over the same claims, is not made again if it can be
    /// seen to be good.
    ///
    /// # Errors
    /// Fails if a service or the registry fails, and if what was made would be refused. With both formats, the legacy
    /// signature is stored first.
    pub async fn sign(&self, by: &Credential, target: &Target) -> Result<Signed, SignError> {
        let payload = simple_signing::render(target.image.repository(), target.digest(), &self.annotations);
        let statement = statement::of_signature(target.digest(), &self.annotations);
        let of = |format| match format {
            verifier::Format::Legacy => Content::Message(&payload),
            verifier::Format::Bundle => Content::Statement(&statement),
        };
        self.format.each().iter().try_for_each(|format| self.services.can_serve(by, of(*format), *format))?;
        let mut signed = self.nothing_yet(target);
        let present = self.present(by, target, Attachment::Signature).await;
        for format in self.format.each() {
            if let Some(place) = present.signature(*format, target, &self.annotations) {
                signed.present.push(place.clone());
                continue;
            }
            let made = self.make(by, of(*format), *format, &[]).await?;
            self.keep(by, target, made, Attachment::Signature, SIGN_PREDICATE, &mut signed).await?;
        }
        Ok(signed)
    }

    pub(crate) fn nothing_yet(&self, target: &Target) -> Signed {
        let stored_in = self.stored_in.clone().unwrap_or_else(|| target.image.repository().clone());
        Signed { digest: *target.digest(), stored_in, unchanged: true, made: Vec::new(), present: Vec::new() }
    }

    /// What this signer has stored already.
    pub(crate) async fn present(&self, by: &Credential, target: &Target, what: Attachment) -> Present {
        match (self.upload, Present::trust(by, &self.services, self.check.as_ref())) {
            (true, Some(trust)) => {
                let stored_in = self.nothing_yet(target).stored_in;
                Present::find(&self.client, target, &stored_in, by, &self.services, what, &trust).await
            }
            _ => Present::default(),
        }
    }

    pub(crate) async fn make(
        &self,
        by: &Credential,
        content: Content<'_>,
        format: verifier::Format,
        annotations: &[(&str, &str)],
    ) -> Result<Made, SignError> {
        let sealed = self.services.seal(by, content, format, Check::logs(self.check.as_ref())).await?;
        Ok(match format {
            verifier::Format::Legacy => Made::layer(by, content, sealed, annotations),
            verifier::Format::Bundle => Made::bundle(by, content, sealed),
        })
    }

    /// Looks at what was made, and stores it: what is referred to first, what refers to it last.
    pub(crate) async fn keep(
        &self,
        by: &Credential,
        target: &Target,
        made: Made,
        attachment: Attachment,
        predicate_type: &str,
        signed: &mut Signed,
    ) -> Result<(), SignError> {
        if let Some(check) = &self.check {
            check.image(&target.image, &made, &check.trust(by, &self.services))?;
        }
        match made.format() {
            _ if !self.upload => {}
            verifier::Format::Legacy => {
                let tag = location::attachment_tag(target.digest(), attachment);
                let layer = NewLayer { descriptor: made.descriptor(), bytes: made.stored().clone() };
                self.client.append_layers(&signed.stored_in, &tag, &[layer]).await?;
            }
            verifier::Format::Bundle => {
                let (bundle, empty) = (made.stored(), Bytes::from_static(EMPTY_CONFIG));
                let manifest = location::bundle_manifest(bundle, &target.descriptor, predicate_type, &clock::stamp());
                let push = |bytes| self.client.push_blob(&signed.stored_in, bytes);
                futures::try_join!(push(&empty), push(bundle))?;
                self.client.push_referrer(&signed.stored_in, manifest.into()).await?;
            }
        }
        signed.unchanged = false;
        signed.made.push(made);
        Ok(())
    }
}
