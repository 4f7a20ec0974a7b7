//! Why a text is not a key.

/// Why a text is not a key that sealgate works with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text holds no PEM block, or a damaged one.
    #[error("no PEM block that can be read found")]
    NotPem,
    /// The PEM block is of another kind.
    #[error("PEM block `{found}` found, wanted `{wanted}`")]
    Label {
        /// The label found, cut and escaped.
        found: String,
        /// The labels that serve.
        wanted: &'static str,
    },
    /// More than one key: which one is meant cannot be told.
    #[error("{found} keys found, wanted exactly one")]
    Several {
        /// How many there are.
        found: usize,
    },
    /// The key is damaged, or of a kind or curve that is not supported.
    #[error("key is malformed or of an unsupported kind, wanted RSA 2048 to 4096, P-256, P-384, P-521 or Ed25519")]
    Unsupported,
    /// An RSA modulus outside the accepted sizes.
    #[error("RSA key of {bits} bits found, wanted 2048 to 4096")]
    RsaSize {
        /// The size of the modulus in bits.
        bits: usize,
    },
}

/// What a file says of itself, as messages show it.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).take(60).collect()
}
