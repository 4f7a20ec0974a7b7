//! Policy files that a person names: files, and folders of them.
//!
//! What they are is said by what is asked for: of a folder, the files with a policy's extension that hold no cases of
//! `policy test`; a file that is named is read whatever its name.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use policy::PolicySet;

use crate::{
    bounded_file,
    exit::{Exit, Failure},
};

/// A file's name and its text.
pub(super) type File = (String, String);

/// The policy files at these paths; `-` is standard input.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    read_those(paths, |name| is_yaml(name) && !is_test(name))
}

fn read_those(paths: &[PathBuf], wanted: fn(&str) -> bool) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            files.push(("-".to_owned(), stdin()?));
        } else {
            for file in listed(path, wanted)? {
                files.push((file.display().to_string(), read_text(&file)?));
            }
        }
    }
    Ok(files)
}

/// The same, and the files of cases.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    read_those(paths, is_yaml)
}

/// The policies at these paths.
pub(super) fn load(paths: &[PathBuf]) -> Result<PolicySet, Failure> {
    PolicySet::parse(&read(paths)?).map_err(unusable)
}

/// The files of cases at a path.
pub(super) fn tests(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    listed(path, is_test)
}

/// The path itself, or those files of a folder that are wanted, in the order of their names. None is an error.
fn listed(path: &Path, wanted: fn(&str) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| unreadable(path, &bounded_file::plain(&error));
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        // A link that leads nowhere is kept, and fails when it is read.
        if wanted(&name) && !name.starts_with('.') && !file.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    match files.len() {
        0 => Err(unreadable(path, "it holds no such file")),
        found if found > MAX_FILES => {
            Err(unreadable(path, &format!("{found} files found, at most {MAX_FILES} are read")))
        }
        _ => Ok(files),
    }
}

fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

fn is_test(name: &str) -> bool {
    [".test.yaml", ".test.yml", ".test.json"].iter().any(|end| name.ends_with(end))
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = bounded_file::read(path, MAX_KIB).map_err(|why| Failure::new(Exit::Usage, why))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| unreadable(path, "it is not UTF-8"))
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_KIB * 1024 + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(Path::new("-"), &bounded_file::plain(&error)))?;
    match text.len() as u64 > MAX_KIB * 1024 {
        true => Err(unreadable(Path::new("-"), &format!("it is larger than {MAX_KIB} KiB"))),
        false => Ok(text),
    }
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, format_args!("policy files at `{}`: {why}", path.display()))
}

/// What a YAML parser says of a text, with the place and without a picture of it.
pub(super) fn yaml_fault(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    oci::excerpt(line.trim_start_matches("error: "), MAX_SHOWN)
}

/// What does not load is here no answer about a policy, but the lack of one.
pub(super) fn unusable(why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, why)
}

const MAX_FILES: usize = 1000;
const MAX_KIB: u64 = 1024;
/// Bytes of a file's text in a message.
const MAX_SHOWN: usize = 200;
