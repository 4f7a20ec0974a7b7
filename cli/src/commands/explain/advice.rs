//! What would have to be otherwise for a piece to count.

use verifier::{Fault, Identity, Signer, SubjectName};

use super::{
    steps::{Ended, Judged, Name},
    story::Piece,
};

/// One sentence, where there is anything to be done.
pub(super) fn on(piece: &Piece) -> Option<String> {
    match &piece.judged {
        Judged::Refused(fault) => Some(against(fault).to_owned()),
        Judged::Attestation(_) | Judged::Signature(_) => {
            let signer = piece.steps.iter().find(|step| step.step == Name::Signer)?;
            let (made_by, _) = piece.judged.signer()?;
            (signer.ended == Ended::NotAsked).then(|| expecting(made_by))
        }
    }
}

/// How to say that this signer is expected.
fn expecting(signer: &Signer) -> String {
    let flags = match signer {
        Signer::Key(id) => format!("--key with key {id}"),
        Signer::Identity(identity) => {
            let name = word(identity.names().first().map_or("", SubjectName::as_str));
            let issuer = word(Identity::issuer(identity).unwrap_or_default());
            format!("--certificate-identity {name} --certificate-oidc-issuer {issuer}")
        }
    };
    format!("{flags}, if that is who is to have signed")
}

/// A stranger's text as one word of a command line: whoever copies it runs nothing else.
fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "@:/._+-".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let quoted: String = text
        .chars()
        .map(|letter| match letter {
            '\'' => r"'\''".to_owned(),
            letter if letter.is_ascii() && !letter.is_ascii_control() => letter.to_string(),
            letter => letter.escape_debug().to_string(),
        })
        .collect();
    format!("'{quoted}'")
}

fn against(fault: &Fault) -> &'static str {
    match fault {
        Fault::NoTrustedKey { .. } => "--key with the public key of whoever made it, if that is who is to have signed",
        Fault::NoCertificate => "--key with the public key of whoever made it: no certificate names them",
        Fault::NoAuthority => "--trusted-root with the authority that issued its certificate",
        Fault::Chain(_) => "--trusted-root with the authority that issued its certificate, in force when it was used",
        Fault::NoTime { .. } => "a log entry with a time, or a timestamp, by somebody whom the trusted root names",
        Fault::NoLogEntry { .. } => {
            "an entry in a log of the trusted root; --private-infrastructure is for images that were signed without a log"
        }
        Fault::NoCertificateLog { .. } => "a certificate that a log of certificates in the trusted root has seen",
        Fault::NoTimestamp { .. } => "a timestamp by an authority of the trusted root",
        Fault::WrongDigest { .. } | Fault::OtherSubject { .. } | Fault::OtherArtifact { .. } => {
            "a signature of this image: this one is of another"
        }
        Fault::NotByCertificate | Fault::NotByGivenCertificate => "a signature by the holder of that certificate",
        Fault::Payload(_) | Fault::Statement(_) => "a signature that says what it is of in the form that it must have",
        Fault::NeedsBytes { .. } => "a signature over a SHA-256 hash",
        Fault::NoSignature
        | Fault::Encoding
        | Fault::Unreadable { .. }
        | Fault::Bundle(_)
        | Fault::Envelope(_)
        | Fault::Certificate(_) => "a signature in good order: whoever stored this one can store it anew",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_stranger_is_one_word() {
        assert_eq!(word("https://id.example/a+b@c"), "https://id.example/a+b@c");
        assert_eq!(word("a; rm -rf $HOME"), "'a; rm -rf $HOME'");
        assert_eq!(word("a'; b"), r"'a'\''; b'");
        assert_eq!(word("a\u{1b}[31m"), r"'a\u{1b}[31m'");
        assert_eq!(word(""), "''");
    }
}
