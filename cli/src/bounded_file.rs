//! Small files that a person names, read to a limit, with the system's words for what goes wrong.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use zeroize::Zeroizing;

/// The bytes of a file of at most this many KiB. They may be a secret, and are overwritten when dropped.
pub(crate) fn read(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    let said = |error: io::Error| format!("open {}: {}", path.display(), plain(&error));
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path).and_then(|file| file.take(most * 1024 + 1).read_to_end(&mut bytes)).map_err(said)?;
    match bytes.len() as u64 > most * 1024 {
        true => Err(format!("open {}: it is larger than {most} KiB", path.display())),
        false => Ok(bytes),
    }
}

/// The system's words without Rust's "(os error 2)", in lower case.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_at_the_limit_is_read_and_one_beyond_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (length, read_whole) in [(1024, true), (1025, false)] {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(read(&path, 1).is_ok(), read_whole, "{length}");
        }
        assert!(read(Path::new("/dev/zero"), 1).unwrap_err().ends_with("it is larger than 1 KiB"));
        assert!(read(folder.path(), 1).unwrap_err().ends_with("is a directory"));
    }
}
