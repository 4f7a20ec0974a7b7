//! Files that a command leaves behind, readable by their owner alone as cosign's are.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use crate::{bounded_file, exit::Failure, output};

/// Writes a file where one is named, and otherwise prints a line of the text.
pub(crate) fn write_or_print(path: Option<&Path>, text: &str, what: &str) -> Result<(), Failure> {
    match path {
        Some(path) => write(path, text, what),
        None => {
            output::line(text);
            Ok(())
        }
    }
}

/// Writes a file, over an older one if there is one; `what` it is, for the message if it cannot be written.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>, what: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(bytes.as_ref())).map_err(|error| {
        Failure::failed(format_args!("create {what} file: open {}: {}", path.display(), bounded_file::plain(&error)))
    })
}
