//! Attesting: what somebody says about an image, signed and stored beside it. It never counts as a signature.

use oci::location::Attachment;

use crate::{Attestation, Credential, SignError, Signed, Signer, Target, content::Content};

impl Signer {
    /// Signs a statement about one target and stores it.
    ///
    /// The very statement that the same signer has stored before is not stored again if it can be seen to be good.
    ///
    /// # Errors
    /// Fails if the predicate is not what its type wants, if a whole statement is about something else, and as
    /// [`Self::sign`] does.
    pub async fn attest(&self, by: &Credential, target: &Target, what: &Attestation) -> Result<Signed, SignError> {
        let (statement, predicate_type) = what.about(&target.image.repository().index_name(), target.digest())?;
        let content = Content::Statement(&statement);
        self.format.each().iter().try_for_each(|format| self.services.can_serve(by, content, *format))?;
        let mut signed = self.nothing_yet(target);
        let present = self.present(by, target, Attachment::Attestation).await;
        for format in self.format.each() {
            if let Some(place) = present.attestation(*format, &statement) {
                signed.present.push(place.clone());
                continue;
            }
            let made = self.make(by, content, *format, &[("predicateType", &predicate_type)]).await?;
            self.keep(by, target, made, Attachment::Attestation, &predicate_type, &mut signed).await?;
        }
        Ok(signed)
    }
}
