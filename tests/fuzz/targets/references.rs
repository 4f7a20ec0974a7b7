//! Any text as an image reference: what is read is written so that it means the same again, in each spelling.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::ImageRef;

fuzz_target!(|text: &str| {
    let Ok(image) = text.parse::<ImageRef>() else { return };
    for spelling in [image.to_string(), image.familiar()] {
        assert_eq!(spelling.parse::<ImageRef>().as_ref(), Ok(&image), "`{text}` was written as `{spelling}`");
    }
    assert!(image.repository().index_name().is_ascii(), "names have no look-alikes");
});
