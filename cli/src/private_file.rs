//! Files that a command leaves behind, readable by their owner alone as cosign's are.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tempfile::NamedTempFile;

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

/// Writes a file, in place of an older one if there is one; `what` it is, for the message if it cannot be written. A
/// stream is written into: standard output by its name, a FIFO, a device.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>, what: &str) -> Result<(), Failure> {
    let written = match is_stream(path) {
        true => OpenOptions::new().append(true).open(path).and_then(|mut stream| stream.write_all(bytes.as_ref())),
        false => beside(path, bytes.as_ref(), 0o600).and_then(|file| Ok(file.persist(path).map(drop)?)),
    };
    written.map_err(|error| {
        Failure::failed(format_args!("create {what} file: open {}: {}", path.display(), bounded_file::plain(&error)))
    })
}

/// A new file with this mode in the same folder, to be given the path's name. So a link there is not followed, an older
/// file's mode not kept, and an interruption leaves the older file or the new one, never half of one.
pub(crate) fn beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".sealgate-").tempfile_in(folder)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    Ok(file)
}

/// What has no content of its own that could be replaced, and the system's links to what is open already, such as
/// `/dev/stdout`.
fn is_stream(path: &Path) -> bool {
    let systems = ["/dev", "/dev/fd", "/proc/self/fd"].map(Path::new);
    fs::symlink_metadata(path).map(|found| found.file_type()).is_ok_and(|found| match found.is_symlink() {
        true => path.parent().is_some_and(|folder| systems.contains(&folder)),
        false => !found.is_file() && !found.is_dir(),
    })
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        os::{
            fd::AsRawFd as _,
            unix::fs::{FileTypeExt as _, symlink},
        },
        process::Command,
        thread,
    };

    use super::*;

    #[test]
    fn older_file_that_others_could_read_does_not_lend_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sig");
        for older in [false, true] {
            if older {
                fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
            }
            write(&path, "new", "signature").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "older: {older}");
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else stays");
    }

    #[test]
    fn link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [path, diary] = ["sig", "diary"].map(|name| folder.path().join(name));
        fs::write(&diary, "dear").unwrap();
        symlink(&diary, &path).unwrap();
        write(&path, "new", "signature").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!((fs::read(&path).unwrap(), fs::read(&diary).unwrap()), (b"new".to_vec(), b"dear".to_vec()));
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        let refused = write(&path, "new", "bundle").unwrap_err().message;
        assert!(refused.starts_with("create bundle file: open ") && refused.ends_with(": is a directory"), "{refused}");
        let refused = write(&path.join("none/sig"), "new", "bundle").unwrap_err().message;
        assert!(refused.ends_with("/taken/none/sig: no such file or directory"), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn fifo_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let reader = thread::spawn({
            let path = path.clone();
            move || fs::read(path)
        });
        write(&path, "new", "signature").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), b"new");
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
    }

    #[test]
    fn open_file_that_is_named_by_its_number_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create_new(folder.path().join("out")).unwrap();
        file.write_all(b"old ").unwrap();
        write(Path::new(&format!("/dev/fd/{}", file.as_raw_fd())), "new", "signature").unwrap();
        assert_eq!(fs::read(folder.path().join("out")).unwrap(), b"old new");
    }
}
