//! cosign 2, cosign 3 and our own program, asked alike: what one of them signs the others shall judge.

use std::{ffi::OsStr, fs, path::Path};

use peers::{Cosign, Format, KeyPair, Outcome, run};

use crate::as_cosign::AsCosign;

/// One of the three programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// cosign 2.
    Cosign2,
    /// cosign 3.
    Cosign3,
    /// Our own.
    Sealgate,
}

impl Tool {
    /// The three, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Cosign2, Self::Cosign3, Self::Sealgate];

    /// Short enough for a repository's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosign2 => "cosign2",
            Self::Cosign3 => "cosign3",
            Self::Sealgate => "sealgate",
        }
    }
}

/// The three programs, each with a home of its own.
#[derive(Debug)]
pub struct Tools {
    cosign2: Cosign,
    cosign3: Cosign,
    sealgate: AsCosign,
}

impl Tools {
    /// Needs the peers `cosign-2` and `cosign-3`.
    #[must_use]
    pub fn new(sealgate: &str) -> Self {
        Self { cosign2: Cosign::v2(), cosign3: Cosign::v3(), sealgate: AsCosign::new(sealgate) }
    }

    /// Makes a P-256 key pair.
    #[must_use]
    pub fn generate(&self, tool: Tool, prefix: &Path, password: &str) -> KeyPair {
        match tool {
            Tool::Cosign2 => self.cosign2.generate_key_pair(prefix, password),
            Tool::Cosign3 => self.cosign3.generate_key_pair(prefix, password),
            Tool::Sealgate => self.sealgate.generate_key_pair(prefix, password),
        }
    }

    /// Takes over a plain private key.
    #[must_use]
    pub fn import(&self, tool: Tool, pem: &Path, prefix: &Path, password: &str) -> KeyPair {
        match tool {
            Tool::Cosign2 => self.cosign2.import_key_pair(pem, prefix, password),
            Tool::Cosign3 => self.cosign3.import_key_pair(pem, prefix, password),
            Tool::Sealgate => self.sealgate.import_key_pair(pem, prefix, password),
        }
    }

    /// The public half of a key file, as the tool prints it.
    pub fn public_key(&mut self, tool: Tool, key: &KeyPair) -> Outcome {
        let cosign = match tool {
            Tool::Cosign2 => &mut self.cosign2,
            Tool::Cosign3 => &mut self.cosign3,
            Tool::Sealgate => return self.sealgate.public_key(key),
        };
        cosign.client_mut().set("COSIGN_PASSWORD", &key.password);
        cosign.run(["public-key".as_ref(), "--key".as_ref(), key.private.as_os_str()])
    }

    /// Signs an image.
    pub fn sign(&self, tool: Tool, format: Format, key: &KeyPair, image: &str) -> Outcome {
        match tool {
            Tool::Cosign2 => self.cosign2.sign(format, key, image, &[]),
            Tool::Cosign3 => self.cosign3.sign(format, key, image, &[]),
            Tool::Sealgate => self.sealgate.sign(format, key, image, &[]),
        }
    }

    /// Signs a bundle by cosign 3 without a trusted root, so that it does not verify what it has signed.
    pub fn sign_bundle_unverified_by_cosign3(&mut self, key: &KeyPair, image: &str) -> Outcome {
        self.cosign3.client_mut().set("COSIGN_PASSWORD", &key.password);
        let flags = ["sign", "--yes", "--use-signing-config=false", "--tlog-upload=false", "--key"].map(OsStr::new);
        self.cosign3.run(flags.into_iter().chain([key.private.as_os_str(), OsStr::new(image)]))
    }

    /// Verifies an image's signatures, of whichever format.
    pub fn verify(&self, tool: Tool, public: &Path, image: &str, extra: &[&str]) -> Outcome {
        match tool {
            Tool::Cosign2 => self.cosign2.verify(public, image, extra),
            Tool::Cosign3 => self.cosign3.verify(public, image, extra),
            Tool::Sealgate => self.sealgate.verify(public, image, extra),
        }
    }
}

/// The kinds of keys that all three programs take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA over P-256, what `generate-key-pair` makes.
    P256,
    /// ECDSA over P-384.
    P384,
    /// ECDSA over P-521.
    P521,
    /// RSA of 2048 bits.
    Rsa2048,
    /// Ed25519.
    Ed25519,
}

impl KeyType {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::P256, Self::P384, Self::P521, Self::Rsa2048, Self::Ed25519];

    /// Short enough for a repository's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::P521 => "p521",
            Self::Rsa2048 => "rsa2048",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Has openssl make a plain private key, PKCS#8 in PEM.
    ///
    /// # Panics
    /// If openssl fails.
    pub fn write_pem(self, path: &Path) {
        let options: &[&str] = match self {
            Self::P256 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Self::P384 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
            Self::P521 => &["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
            Self::Rsa2048 => &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            Self::Ed25519 => &["ED25519"],
        };
        let pem = run("openssl", ["genpkey", "-algorithm"].iter().chain(options)).success();
        fs::write(path, pem).expect("a temporary folder can be written");
    }
}
