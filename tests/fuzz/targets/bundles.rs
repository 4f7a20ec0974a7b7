//! Any bytes as a bundle: there is an answer, and a bundle that is read is written as it was meant.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier::UntrustedBundle;

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = UntrustedBundle::parse(bytes) else { return };
    let _ = bundle.describe();
    let again = UntrustedBundle::parse(&bundle.to_bytes()).expect("what was read can be written and read again");
    assert_eq!(again.to_bytes(), bundle.to_bytes(), "writing twice writes the same");
});
