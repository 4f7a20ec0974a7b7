//! The files whose images are asked about, and the object that the images of the command line run in.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::ValueEnum;
use oci::ImageRef;
use policy::Resource;
use workload::{At, Form, MAX_BYTES, Manifest, ManifestError, Object, PassedOver};

use super::cases::{self, Found, Open, Place, Use};
use crate::{
    bounded_file,
    exit::{Exit, Failure},
    output,
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Manifests")]
pub(super) struct ManifestFlags {
    /// Ask about every image that a Kubernetes manifest, compose file or Dockerfile names, or a folder of them; - is standard input
    #[arg(long, value_name = "FILE|DIR|-")]
    manifest: Vec<PathBuf>,
    /// What the files are; otherwise each file's name and content say it
    #[arg(long, value_enum, value_name = "KIND", requires = "manifest")]
    manifest_kind: Option<Kind>,
    /// Value of an ARG of Dockerfiles, as the build will be given it
    #[arg(long, value_name = "NAME=VALUE", value_parser = argument, requires = "manifest")]
    build_arg: Vec<(String, String)>,
    /// Custom resources of this kind run no image that matters
    #[arg(long, value_name = "KIND", requires = "manifest")]
    ignore_kind: Vec<String>,
    /// Files that name no image at all are no error
    #[arg(long, requires = "manifest")]
    allow_no_images: bool,
    /// Object, YAML or JSON, that the images of the command line run in, for policies that look at it
    #[arg(long, value_name = "FILE", requires = "images")]
    resource: Option<PathBuf>,
    /// Say which objects of the files were passed over
    #[arg(short, long, requires = "manifest")]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Kubernetes,
    Compose,
    Dockerfile,
}

impl From<Kind> for Form {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Kubernetes => Self::Kubernetes,
            Kind::Compose => Self::Compose,
            Kind::Dockerfile => Self::Dockerfile,
        }
    }
}

impl ManifestFlags {
    /// These images, and those of the files. Nothing at all is an error, unless that is allowed.
    pub(super) fn read(&self, images: &[ImageRef]) -> Result<Found, Failure> {
        let object = self.resource.as_deref().map(object).transpose()?;
        let given = |image: &ImageRef| Use { image: image.clone(), object: object.clone(), place: None };
        let mut found = Found { uses: images.iter().map(given).collect(), ..Found::default() };
        let mut passed_over = Vec::new();
        for path in &self.files()? {
            passed_over.extend(self.read_one(path.as_ref(), &mut found)?);
        }
        self.announce(&passed_over);
        match found.uses.is_empty() && found.unread.is_empty() {
            true if self.allow_no_images => output::note("no image found"),
            true => {
                let hint = "--allow-no-images, where a manifest may be without any";
                return Err(undecided("no image found in what --manifest names, wanted at least one").hint(hint));
            }
            false => {}
        }
        Ok(found)
    }

    /// The files, those of folders included; none stands for standard input.
    fn files(&self) -> Result<Vec<Option<PathBuf>>, Failure> {
        let mut files = Vec::new();
        for path in &self.manifest {
            match path.as_os_str() == "-" {
                true if files.contains(&None) => {
                    return Err(Failure::new(
                        Exit::Usage,
                        "standard input can be read once, and --manifest - is given twice",
                    ));
                }
                true => files.push(None),
                false if path.is_dir() => {
                    let before = files.len();
                    folder(path, 0, &mut files)?;
                    files[before..].sort();
                }
                false => files.push(Some(path.clone())),
            }
        }
        Ok(files)
    }

    fn read_one(&self, path: Option<&PathBuf>, found: &mut Found) -> Result<Vec<PassedOver>, Failure> {
        let name = path.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
        let bytes = match path {
            Some(path) => bounded_file::read(path, MAX_KIB).map_err(undecided)?.to_vec(),
            None => stdin()?,
        };
        let text = String::from_utf8(bytes).map_err(|_| undecided(format_args!("{name}: it is not UTF-8")))?;
        let file_name = path.and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        let form = self.manifest_kind.map(Form::from);
        let form = form.or_else(|| file_name.as_deref().and_then(Form::of_name)).or_else(|| Form::of_text(&text));
        let Some(form) = form else {
            let wanted = "neither a Kubernetes manifest, a compose file nor a Dockerfile";
            return Err(undecided(format_args!("{name}: {wanted}")).hint("--manifest-kind says what it is"));
        };
        let arguments: BTreeMap<_, _> = self.build_arg.iter().cloned().collect();
        let manifest = Manifest::read(form, &text, &arguments);
        let file = path.map(|path| Arc::new(path.clone()));
        manifest.mentions.into_iter().for_each(|mention| found.add(file.as_ref(), mention));
        for problem in manifest.problems {
            if !self.is_ignored(&problem.why) {
                let place = Place { file: file.clone(), at: problem.at, path: String::new(), object: None };
                let hint = hint(&problem.why, &text).map(str::to_owned);
                found.unread.push((place, Open { why: problem.why.to_string(), hint }));
            }
        }
        Ok(manifest.passed_over)
    }

    fn is_ignored(&self, why: &ManifestError) -> bool {
        matches!(why, ManifestError::NotUnderstood { kind, .. } if self.ignore_kind.contains(kind))
    }

    fn announce(&self, passed_over: &[PassedOver]) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for one in passed_over {
            match one {
                PassedOver::Built { service } => output::note(format_args!(
                    "note: service {service} is built: what it is built from is asked about where its Dockerfile is given"
                )),
                PassedOver::Object { kind } => *kinds.entry(kind).or_default() += 1,
            }
        }
        if self.verbose && !kinds.is_empty() {
            let list: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            output::note(format_args!("passed over: {}", list.join(", ")));
        }
    }
}

/// The files of a folder and the folders in it that manifests have the names of; hidden ones are left out.
fn folder(path: &Path, depth: usize, files: &mut Vec<Option<PathBuf>>) -> Result<(), Failure> {
    let failed = |why: &dyn std::fmt::Display| undecided(format_args!("{}: {why}", path.display()));
    if depth > MAX_DEPTH {
        return Err(failed(&"folders are nested too deep"));
    }
    for entry in fs::read_dir(path).map_err(|error| failed(&bounded_file::plain(&error)))? {
        let entry = entry.map_err(|error| failed(&bounded_file::plain(&error)))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match name.starts_with('.') {
            true => {}
            false if path.is_dir() && linked => {
                return Err(failed(&format_args!("{name} is a link to a folder, which is not followed")));
            }
            false if path.is_dir() => folder(&path, depth + 1, files)?,
            false if is_manifest(&name) => files.push(Some(path)),
            false => {}
        }
        if files.len() > MAX_FILES {
            return Err(failed(&format_args!("more than {MAX_FILES} files found")));
        }
    }
    Ok(())
}

fn is_manifest(name: &str) -> bool {
    let lower = name.to_lowercase();
    Form::of_name(name).is_some() || [".yaml", ".yml", ".json"].iter().any(|end| lower.ends_with(end))
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > MAX_BYTES {
        true => Err(undecided(format_args!("standard input: it is larger than {MAX_KIB} KiB"))),
        false => Ok(bytes),
    }
}

/// What to do about a problem, where there is something.
fn hint(why: &ManifestError, text: &str) -> Option<&'static str> {
    match why {
        ManifestError::Yaml(_) if text.contains("{{") => {
            Some("a template must be rendered: helm template … | sealgate check --manifest -")
        }
        ManifestError::NotUnderstood { .. } => Some("--ignore-kind KIND, where it runs no image that matters"),
        ManifestError::OtherFile { .. } => Some("docker compose config … | sealgate check --manifest -"),
        ManifestError::Unset(_) => {
            Some("--build-arg NAME=VALUE for a Dockerfile; docker compose config for a compose file")
        }
        _ => None,
    }
}

/// What policies see of the object in a file.
fn object(path: &Path) -> Result<Resource, Failure> {
    let bytes = bounded_file::read(path, MAX_KIB).map_err(undecided)?;
    let of_file = |why: &dyn std::fmt::Display| undecided(format_args!("{}: {why}", path.display()));
    let text = std::str::from_utf8(&bytes).map_err(|_| of_file(&"it is not UTF-8"))?;
    let object = Object::read(text).map_err(|problem| {
        let At { line, .. } = problem.at;
        of_file(&format_args!("line {line}: {}", problem.why))
    })?;
    Ok(cases::resource(&object))
}

fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("wanted NAME=VALUE".to_owned()),
    }
}

/// What cannot be read cannot be decided about.
fn undecided(message: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Undecided, message)
}

const MAX_KIB: u64 = (MAX_BYTES / 1024) as u64;
const MAX_FILES: usize = 10_000;
const MAX_DEPTH: usize = 16;
