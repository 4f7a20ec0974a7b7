//! The signature checks of some evidence without the evidence: P-256, as everything in the measured world.

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use keys::PrivateKey;

/// Signatures to be checked one after the other.
pub(crate) struct Checks(Vec<Check>);

struct Check {
    key: Vec<u8>,
    parsed: Option<ParsedPublicKey>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Checks {
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// And one by a key that was parsed long ago, over so many bytes.
    pub(crate) fn by_known_key(mut self, bytes: usize) -> Self {
        let mut check = Check::over(bytes);
        check.parsed = Some(ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &check.key).unwrap());
        self.0.push(check);
        self
    }

    /// And one by a key that must be parsed first, over so many bytes.
    pub(crate) fn by_new_key(mut self, bytes: usize) -> Self {
        self.0.push(Check::over(bytes));
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn run(&self) {
        self.0.iter().for_each(Check::run);
    }
}

impl Check {
    fn over(bytes: usize) -> Self {
        let (key, message) = (PrivateKey::generate().unwrap(), vec![7; bytes]);
        let signature = key.sign(&message).unwrap();
        Self { key: key.public().to_der().to_vec(), parsed: None, message, signature }
    }

    fn run(&self) {
        let (message, signature) = (black_box(&self.message), black_box(&self.signature));
        match &self.parsed {
            Some(key) => key.verify_sig(message, signature).unwrap(),
            None => {
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.key).unwrap();
                key.verify_sig(message, signature).unwrap();
            }
        }
    }
}
