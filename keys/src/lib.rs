//! Keys of the kinds that cosign signs with: reading and writing their files, naming them, signing and checking bytes.
//!
//! Nothing here knows what the bytes mean. The one place that draws randomness among the pure crates.

mod encrypted;
mod error;
mod private;
mod public;

pub use encrypted::DecryptError;
pub use error::KeyError;
pub use private::{PrivateKey, SigningFailed};
pub use public::{BadSignature, KeyId, KeyKind, PublicKey, SignatureHash};
