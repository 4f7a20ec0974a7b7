//! Any bytes as a manifest or index: what is read agrees with the bytes about subject and media type.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::Document;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::parse(bytes, None) else { return };
    let plain: Value = serde_json::from_slice(bytes).expect("what we read is JSON to others too");
    let named = plain["mediaType"].as_str();
    assert!(named.is_none_or(|named| named == document.media_type()));
    let subject = document.subject().map(|subject| subject.digest.to_string());
    assert_eq!(plain["subject"]["digest"].as_str().map(str::to_owned), subject);
});
