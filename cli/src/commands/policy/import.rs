//! `sealgate policy import`: policies of other programs in the format of this one.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use policy::import::{ContainerPolicy, Imported, Kind, connaisseur, container_policy, key_files, kyverno};

use super::files::{self, File};
use crate::{
    bounded_file,
    exit::{Exit, Failure},
    output,
};

/// Turns another program's policies into ours: exit 0 all is said, 1 not all of it, 2 they do not parse.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of them; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Whose policy it is; without it, that is seen from the contents
    #[arg(long, value_enum)]
    from: Option<From>,
    /// The folder that says where containers/image finds signatures, to be told what differs here
    #[arg(long, value_name = "DIR")]
    registries_d: Option<PathBuf>,
    /// Where the policies go: a file, or a folder that is there, for a file each; otherwise standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// policy.json of Podman, Skopeo, Buildah and CRI-O
    ContainerPolicy,
    /// verifyImages and ImageValidatingPolicy
    Kyverno,
    /// Helm values
    Connaisseur,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let files = files::read(&args.paths)?;
    let imported = import(args, &files)?;
    for remark in &imported.remarks {
        output::note(format_args!("note: {remark}"));
    }
    for unsaid in &imported.unsaid {
        output::note(format_args!("note: unsaid: {unsaid}"));
    }
    write(args.output.as_deref(), &imported.documents)?;
    match imported.unsaid.len() {
        0 => Ok(()),
        1 => Err(Failure::failed("one thing is unsaid, see the note above")),
        several => Err(Failure::failed(format_args!("{several} things are unsaid, see the notes above"))),
    }
}

fn import(args: &Args, files: &[File]) -> Result<Imported, Failure> {
    let kinds = files.iter().map(|(name, text)| Kind::of(name, text));
    let kind = match args.from {
        Some(From::ContainerPolicy) => Kind::ContainerPolicy,
        Some(From::Kyverno) => Kind::Kyverno,
        Some(From::Connaisseur) => Kind::Connaisseur,
        None => {
            let kinds: Vec<Kind> = kinds.collect::<Result<_, _>>().map_err(files::unusable)?;
            let first = *kinds.first().expect("there is a file, or its reading failed");
            if kinds.iter().any(|kind| *kind != first) {
                return Err(files::unusable("these are policies of several programs, wanted one program's"));
            }
            first
        }
    };
    match (kind, files) {
        (Kind::Kyverno, files) => kyverno(files).map_err(files::unusable),
        (Kind::Connaisseur, [(name, text)]) => connaisseur(name, text).map_err(files::unusable),
        (Kind::ContainerPolicy, [file]) => one_container_policy(args, file),
        (Kind::ContainerPolicy | Kind::Connaisseur, files) => {
            Err(files::unusable(format_args!("{} files, wanted one: it says all there is", files.len())))
        }
    }
}

fn one_container_policy(args: &Args, (name, text): &File) -> Result<Imported, Failure> {
    let mut texts = BTreeMap::new();
    for path in key_files(name, text).map_err(files::unusable)? {
        // What cannot be read is told by whoever asks for it.
        if let Ok(text) = files::read_text(Path::new(&path)) {
            texts.insert(path, text);
        }
    }
    let registries = args.registries_d.as_deref().map(registries).transpose()?;
    let source = ContainerPolicy { name, text, files: &texts, registries: registries.as_deref() };
    container_policy(&source).map_err(files::unusable)
}

/// The files that count in such a folder, of which there may be none.
fn registries(folder: &Path) -> Result<Vec<File>, Failure> {
    let failed = |error: &std::io::Error| unwritten(folder, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let path = entry.map_err(|error| failed(&error))?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| Ok((path.display().to_string(), files::read_text(path)?))).collect()
}

fn write(to: Option<&Path>, documents: &[String]) -> Result<(), Failure> {
    let whole = documents.join("---\n");
    match to {
        None => output::bytes(whole.as_bytes()),
        Some(folder) if folder.is_dir() => {
            for document in documents {
                let file = folder.join(file_name(document));
                // A policy that somebody else wrote is not lost for having the same name.
                let new = fs::File::create_new(&file).and_then(|mut new| new.write_all(document.as_bytes()));
                new.map_err(|error| unwritten(&file, &error))?;
            }
        }
        Some(file) => fs::write(file, whole).map_err(|error| unwritten(file, &error))?,
    }
    Ok(())
}

/// Its name, and its kind where that is not a policy's. Names are letters, digits and dashes here.
fn file_name(document: &str) -> String {
    let object: serde_json::Value = serde_saphyr::from_str(document).expect("it was written as YAML");
    let name = object["metadata"]["name"].as_str().expect("every object has a name");
    match object["kind"].as_str() {
        Some("TrustRoot") => format!("{name}.trustroot.yaml"),
        _ => format!("{name}.yaml"),
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, format_args!("{}: {}", path.display(), bounded_file::plain(error)))
}
