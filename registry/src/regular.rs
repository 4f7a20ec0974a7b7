//! Files in places where others may write. Only a regular one has an end, and bytes that need not be waited for.

use std::{
    fs::File,
    io::{Error, ErrorKind, Result},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Opens a regular file for reading, or what a link leads to. A FIFO, a device, a socket or a folder is an error, and at
/// once: nobody is waited for. How much is read of the file is the caller's to limit.
///
/// # Errors
/// Fails if it cannot be opened, and if it is no regular file.
pub fn open_regular(path: &Path) -> Result<File> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    // The opened one is looked at: what lies under the name may be another by now.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(Error::new(ErrorKind::InvalidInput, "a regular file wanted")),
    }
}
