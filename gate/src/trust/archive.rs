//! A TUF repository packed into a tar that gzip has compressed, as a TrustRoot holds it.
//!
//! It is unpacked into memory, within bounds, and nothing in it leads anywhere: links, and paths that climb, are refused.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use flate2::read::MultiGzDecoder;
use sigstore_tuf::{Repository, transport::FetchFuture};
use tar::{Entry, EntryType};

/// The files of a repository by their paths.
#[derive(Debug)]
pub(super) struct Archive {
    files: BTreeMap<String, Vec<u8>>,
    targets: String,
}

impl Archive {
    /// Unpacks it. `targets` is the folder of its targets.
    pub(super) fn unpack(bytes: &[u8], targets: &str) -> io::Result<Self> {
        let bounded = Bounded { inner: MultiGzDecoder::new(bytes), left: MAX_BYTES };
        let mut files = BTreeMap::new();
        for (count, entry) in tar::Archive::new(bounded).entries()?.enumerate() {
            if count >= MAX_ENTRIES {
                return Err(invalid(format!("more than {MAX_ENTRIES} entries")));
            }
            files.extend(file(entry?)?);
        }
        Ok(Self { files, targets: targets.to_owned() })
    }
}

impl Repository for Archive {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _max_length: u64) -> FetchFuture<'a> {
        let file = self.files.get(name).cloned();
        Box::pin(async move { Ok(file) })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, _max_length: u64) -> FetchFuture<'a> {
        let file = self.files.get(&format!("{}/{path}", self.targets)).cloned();
        Box::pin(async move { Ok(file) })
    }
}

/// A file and its path; nothing for a folder.
fn file(mut entry: Entry<'_, impl Read>) -> io::Result<Option<(String, Vec<u8>)>> {
    let path = path(&entry.path_bytes())?;
    match entry.header().entry_type() {
        EntryType::Regular => {}
        EntryType::Directory | EntryType::XGlobalHeader => return Ok(None),
        _ => return Err(invalid(format!("`{path}` is neither a file nor a folder"))),
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(Some((path, bytes)))
}

/// A path from the repository's own folder, in which policy-controller's archives are packed.
fn path(found: &[u8]) -> io::Result<String> {
    let shown = || oci::excerpt(&String::from_utf8_lossy(found), MAX_SHOWN);
    let text = std::str::from_utf8(found).map_err(|_| invalid(format!("`{}` is not UTF-8", shown())))?;
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(invalid(format!("`{}` leads out of the archive", shown())));
    }
    let own = parts.strip_prefix(&["repository"]).unwrap_or(&parts);
    Ok(own.join("/"))
}

/// So many bytes and not one more: what is cut off would look like the end of the archive.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read).ok_or_else(|| invalid(format!("more than {MAX_BYTES} bytes")))?;
        Ok(read)
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

const MAX_BYTES: usize = 16 << 20;
const MAX_ENTRIES: usize = 1_000;
const MAX_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tar::Header;

    use super::*;

    /// An archive with entries of these kinds, names and bytes.
    fn packed(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (kind, name, bytes) in entries {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            tar.append(&header, *bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn refusal(bytes: &[u8]) -> String {
        Archive::unpack(bytes, "targets").unwrap_err().to_string()
    }

    #[test]
    fn files_are_found_with_and_without_the_folder_that_they_are_packed_in() {
        for prefix in ["", "./", "/repository/", "repository/", "./repository/"] {
            let (root, target) = (format!("{prefix}1.root.json"), format!("{prefix}targets/a.json"));
            let folder = format!("{prefix}targets/");
            let archive = Archive::unpack(
                &packed(&[
                    (EntryType::Directory, &folder, b""),
                    (EntryType::Regular, &root, b"root"),
                    (EntryType::Regular, &target, b"target"),
                ]),
                "targets",
            );
            let names: Vec<String> = archive.unwrap().files.into_keys().collect();
            assert_eq!(names, ["1.root.json", "targets/a.json"], "{prefix}");
        }
    }

    #[test]
    fn links_and_devices_are_refused() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo, EntryType::Char] {
            assert!(refusal(&packed(&[(kind, "a", b"")])).contains("neither a file nor a folder"), "{kind:?}");
        }
    }

    #[test]
    fn path_that_climbs_is_refused() {
        for name in ["../a", "repository/../../a", "a/.."] {
            assert!(refusal(&packed(&[(EntryType::Regular, name, b"x")])).contains("leads out"), "{name}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let large = vec![0; MAX_BYTES];
        assert!(refusal(&packed(&[(EntryType::Regular, "a", &large)])).contains("more than"), "one file");
        let half = &large[..MAX_BYTES / 2];
        let halves: [(EntryType, &str, &[u8]); 3] = ["a", "b", "c"].map(|name| (EntryType::Regular, name, half));
        assert!(refusal(&packed(&halves)).contains("more than"), "several");
        let many: Vec<(EntryType, &str, &[u8])> = vec![(EntryType::Regular, "a", b""); MAX_ENTRIES + 1];
        assert!(refusal(&packed(&many)).contains("entries"));
        assert!(Archive::unpack(&packed(&many[1..]), "targets").is_ok());
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(Archive::unpack(b"nonsense", "targets").is_err());
        let mut text = GzEncoder::new(Vec::new(), Compression::fast());
        text.write_all(&[b'x'; 600]).unwrap();
        assert!(Archive::unpack(&text.finish().unwrap(), "targets").is_err());
        let whole = packed(&[(EntryType::Regular, "a", &[7; 5_000])]);
        assert!(Archive::unpack(&whole[..whole.len() / 2], "targets").is_err(), "cut off");
    }
}
