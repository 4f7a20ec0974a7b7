//! Any bytes as a trusted root: there is an answer, and the same bytes have the same fingerprint.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier::TrustRoot;

fuzz_target!(|bytes: &[u8]| {
    let Ok(root) = TrustRoot::parse_trusted_root(bytes) else { return };
    let again = TrustRoot::parse_trusted_root(bytes).expect("it was read before");
    assert_eq!(root.fingerprint(), again.fingerprint());
});
