//! Small images that really run: one static program that prints which image it is.
//!
//! The program is x86-64 machine code for Linux, written here byte by byte, so no compiler and no other
//! image is needed. The same seed gives the same bytes on every machine that has the same `gzip`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Client, run};
use crate::registry::Registry;

/// Pushes a one-layer linux/amd64 image as `repository:tag` and returns its digest.
///
/// Run, it prints `hello from <seed>` and ends with 0. Other seeds give other images. Needs `crane`.
///
/// # Panics
/// If the registry does not take it.
#[must_use]
pub fn push_image(registry: &Registry, name: &str, seed: &str) -> String {
    let mut client = Client::new();
    client.trust(registry);
    push_image_from(&client, &format!("{}/{name}", registry.address()), seed)
}

/// The same to any registry that this client may push to; `reference` begins with the registry's address.
///
/// # Panics
/// If the registry does not take it.
#[must_use]
pub fn push_image_from(client: &Client, reference: &str, seed: &str) -> String {
    let layout = tempfile::tempdir().expect("a temporary folder can be made");
    let digest = write_layout(layout.path(), seed);
    let pushed = client.run("crane", ["push", &layout.path().display().to_string(), reference]).success();
    assert!(pushed.ends_with(&format!("@{digest}")), "crane pushed {pushed}, not {digest}");
    digest
}

/// Writes the image as an OCI layout; returns the manifest's digest.
fn write_layout(folder: &Path, seed: &str) -> String {
    let tar = tar_of("hello", &program(&format!("hello from {seed}\n")));
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Entrypoint": ["/hello"] },
        "rootfs": { "type": "layers", "diff_ids": [digest_of(&tar)] },
        "history": [{ "created_by": "hello" }],
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(folder, CONFIG, config.to_string().as_bytes()),
        "layers": [blob(folder, LAYER, &gzip(folder, &tar))],
    });
    let entry = blob(folder, MANIFEST, manifest.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    write(&folder.join("index.json"), index.to_string().as_bytes());
    write(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    digest_of(manifest.to_string().as_bytes())
}

/// Stores the bytes and returns their descriptor.
fn blob(layout: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = digest_of(bytes);
    let folder = layout.join("blobs/sha256");
    fs::create_dir_all(&folder).expect("a temporary folder can be written");
    write(&folder.join(&digest["sha256:".len()..]), bytes);
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}

/// An archive with that one file, executable, owned by root, of the year 1970.
fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum = header.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());

    let mut tar = [&header, content].concat();
    // The file is filled up to whole blocks, and two empty ones end the archive.
    tar.resize(tar.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    tar
}

/// Compresses by the program `gzip`, without name and time.
fn gzip(folder: &Path, bytes: &[u8]) -> Vec<u8> {
    let plain = folder.join("layer.tar");
    write(&plain, bytes);
    run("gzip", ["-n".as_ref(), plain.as_os_str()]).success();
    let packed = folder.join("layer.tar.gz");
    let content = fs::read(&packed).expect("gzip has written it");
    fs::remove_file(packed).expect("a temporary folder can be written");
    content
}

/// An ELF program that writes the text and exits with 0.
fn program(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a seed is short").to_le_bytes();
    let mut code = vec![0xb8, 1, 0, 0, 0]; // mov eax, 1 (write)
    code.extend([0xbf, 1, 0, 0, 0]); // mov edi, 1 (standard output)
    code.extend([0x48, 0x8d, 0x35, 16, 0, 0, 0]); // lea rsi, [rip + 16] (the text, behind the code)
    code.push(0xba); // mov edx, length
    code.extend(length);
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0xb8, 60, 0, 0, 0]); // mov eax, 60 (exit)
    code.extend([0x31, 0xff]); // xor edi, edi
    code.extend([0x0f, 0x05]); // syscall
    code.extend(text.as_bytes());
    [elf_header(code.len()), code].concat()
}

/// The file header and one loadable segment: the whole file, readable and executable.
fn elf_header(code: usize) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend([2, 0, 62, 0, 1, 0, 0, 0]); // executable, x86-64, version 1
    header.extend((BASE + HEADERS).to_le_bytes()); // entry point
    header.extend(64_u64.to_le_bytes()); // the segment's header follows this one
    header.extend([0; 12]); // no sections, no flags
    header.extend([64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]); // sizes and counts of headers
    header.extend([1, 0, 0, 0, 5, 0, 0, 0]); // to be loaded; read, execute
    header.extend(0_u64.to_le_bytes()); // from the file's start
    header.extend([BASE, BASE].map(u64::to_le_bytes).concat());
    let size = HEADERS + code as u64;
    header.extend([size, size, 0x1000].map(u64::to_le_bytes).concat());
    header
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a temporary folder can be written");
}

const BLOCK: usize = 512;
const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_as_long_as_the_entry_point_says() {
        assert_eq!(elf_header(0).len() as u64, HEADERS);
    }

    #[test]
    fn one_seed_gives_one_image_and_another_another() {
        let of = |seed| write_layout(tempfile::tempdir().expect("a folder").path(), seed);
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }

    #[test]
    fn tar_reads_back_what_was_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join("x.tar"), &tar_of("hello", b"content"));
        let listing = run("tar", ["-tvf".as_ref(), folder.path().join("x.tar").as_os_str()]).success();
        assert!(listing.starts_with("-rwxr-xr-x 0/0") && listing.ends_with("hello"), "{listing}");
    }
}
