//! Dockerfiles: what a build takes from images, in the way of BuildKit.
//!
//! Every stage counts, whether a build needs it or not. What builders disagree about is a problem.

mod lines;

use std::collections::{BTreeMap, BTreeSet};

use self::lines::{Body, Instruction, escape, instructions, syntax};
use super::{
    At, Manifest, ManifestError, Mention,
    variables::{Quoting, Variable, expand},
};
use crate::error::excerpt;

pub(super) fn read(text: &str, arguments: &BTreeMap<String, String>) -> Manifest {
    let escape = match escape(text) {
        Ok(escape) => escape,
        Err(problem) => return Manifest::problem(problem.at, problem.why),
    };
    let (instructions, broken) = instructions(text, escape);
    let named = |instruction: &Instruction| stage_name(&instruction.body);
    let mut reader = Reader {
        lines: text.trim_start_matches('\u{feff}').lines().collect(),
        quoting: Quoting::Shell(escape),
        arguments,
        globals: BTreeMap::new(),
        stages: 0,
        current: None,
        complete: BTreeSet::new(),
        names: instructions.iter().filter_map(named).collect(),
        manifest: Manifest::default(),
    };
    reader.frontend(text);
    let strange = instructions.iter().find(|instruction| !reader.read(instruction));
    match (strange, &broken) {
        (None, None) if reader.stages == 0 => reader.manifest.object_to(At::START, ManifestError::NoBase),
        _ => reader.manifest.problems.extend(broken.filter(|_| strange.is_none())),
    }
    if let Some(Mention { at, .. }) = reader.manifest.mentions.get(MAX_IMAGES) {
        reader.manifest.object_to(*at, ManifestError::TooManyImages { most: MAX_IMAGES });
    }
    reader.manifest
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    quoting: Quoting,
    arguments: &'a BTreeMap<String, String>,
    /// What `ARG` above the first stage says; of one without a value nothing but its name.
    globals: BTreeMap<String, Option<Result<String, ManifestError>>>,
    /// How many stages have begun.
    stages: usize,
    /// The name of the last of them, and those of the others.
    current: Option<String>,
    complete: BTreeSet<String>,
    /// The names of all stages.
    names: BTreeSet<String>,
    manifest: Manifest,
}

impl Reader<'_> {
    /// What reads the file: an image that is run before anything else.
    fn frontend(&mut self, text: &str) {
        let given = self.arguments.get("BUILDKIT_SYNTAX").map(|image| (image.clone(), 1));
        if let Some((image, line)) = given.or_else(|| syntax(text)) {
            self.mention(image.clone(), "# syntax", (line, line), &image);
        }
    }

    /// Whether it is an instruction.
    fn read(&mut self, Instruction { lines, body }: &Instruction) -> bool {
        let result = match body.word.as_str() {
            "arg" if self.stages == 0 => self.argument(&body.rest),
            "from" => self.stage(*lines, body),
            "onbuild" => self.sources(*lines, &Body::of(&body.rest)),
            _ => self.sources(*lines, body),
        };
        let known = INSTRUCTIONS.contains(&body.word.as_str());
        let result = if known { result } else { Err(ManifestError::Instruction(excerpt(&body.word))) };
        if let Err(why) = result {
            self.manifest.object_to(At { line: lines.0, column: 1 }, why);
        }
        known
    }

    fn argument(&mut self, text: &str) -> Result<(), ManifestError> {
        for word in lines::words(text).ok_or(ManifestError::Quotes("ARG"))? {
            let (name, default) = word.split_once('=').map_or((word.as_str(), None), |(name, text)| (name, Some(text)));
            let value = match (self.arguments.get(name), default) {
                (Some(given), _) => Some(Ok(given.clone())),
                (None, Some(default)) => Some(self.expand(default)),
                (None, None) => None,
            };
            self.globals.insert(name.to_owned(), value);
        }
        Ok(())
    }

    fn stage(&mut self, lines: (u64, u64), body: &Body) -> Result<(), ManifestError> {
        self.stages += 1;
        let before = std::mem::replace(&mut self.current, stage_name(body));
        self.complete.extend(before);
        let malformed = ManifestError::Malformed { instruction: "FROM", wanted: "an image, or an image AS a name" };
        let words: Vec<&str> = body.rest.split_whitespace().collect();
        let written = match words[..] {
            [image] => image,
            [image, word, _] if word.eq_ignore_ascii_case("as") => image,
            _ => return Err(malformed),
        };
        if !body.flags.iter().all(|flag| flag.starts_with("--platform=")) {
            return Err(ManifestError::Malformed { instruction: "FROM", wanted: "no flag but --platform=" });
        }
        let image = self.expand(written)?;
        match image.as_str() {
            "" => return Err(malformed),
            "scratch" => {}
            name if self.complete.contains(&name.to_lowercase()) => {}
            _ => self.mention(image, "FROM", lines, written),
        }
        Ok(())
    }

    /// What an instruction takes from images by its flags.
    fn sources(&mut self, lines: (u64, u64), body: &Body) -> Result<(), ManifestError> {
        let (flag, path) = match body.word.as_str() {
            "copy" => ("--from", "COPY --from"),
            "add" => ("--from", "ADD --from"),
            "run" => ("--mount", "RUN --mount"),
            _ => return Ok(()),
        };
        for given in &body.flags {
            match given.split_once('=') {
                Some((name, source)) if name == flag && flag == "--from" => self.source(source, path, lines)?,
                Some((name, mount)) if name == flag => self.mount(mount, path, lines)?,
                None if given == flag => {
                    return Err(ManifestError::Malformed { instruction: path, wanted: "= behind it" });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn mount(&mut self, mount: &str, path: &'static str, lines: (u64, u64)) -> Result<(), ManifestError> {
        if mount.contains('"') {
            return Err(ManifestError::Quotes(path));
        }
        let fields = mount.split(',').filter_map(|field| field.split_once('='));
        for (_, source) in fields.filter(|(name, _)| name.eq_ignore_ascii_case("from")) {
            self.source(source, path, lines)?;
        }
        Ok(())
    }

    /// A stage, by name or number, or an image.
    fn source(&mut self, source: &str, path: &'static str, lines: (u64, u64)) -> Result<(), ManifestError> {
        let name = source.to_lowercase();
        if source.contains('$') {
            return Err(ManifestError::NoVariables(path));
        }
        if source.bytes().all(|byte| byte.is_ascii_digit()) && !source.is_empty() {
            let known = source.parse::<usize>().is_ok_and(|index| index + 1 < self.stages);
            return if known { Ok(()) } else { Err(ManifestError::NoStage(excerpt(source))) };
        }
        if self.complete.contains(&name) || ["", "scratch"].contains(&source) {
            return Ok(());
        }
        if self.names.contains(&name) {
            return Err(ManifestError::LaterStage(excerpt(source)));
        }
        self.mention(source.to_owned(), path, lines, source);
        Ok(())
    }

    fn expand(&self, text: &str) -> Result<String, ManifestError> {
        let lookup = |name: &str| match (self.globals.get(name), BUILT_IN.contains(&name)) {
            (Some(Some(Ok(value))), _) => Variable::Set(value.clone()),
            (Some(Some(Err(why))), _) => Variable::Broken(why.clone()),
            (_, true) => match self.arguments.get(name) {
                Some(value) => Variable::Set(value.clone()),
                // The builder has a value for it.
                None => Variable::Broken(ManifestError::Unset(name.to_owned())),
            },
            (Some(None) | None, false) => Variable::Unset,
        };
        expand(text, self.quoting, &lookup)
    }

    /// An image, at the first of these lines in which it is written.
    fn mention(&mut self, image: String, path: &str, (first, last): (u64, u64), written: &str) {
        if self.manifest.mentions.len() > MAX_IMAGES {
            return;
        }
        let column = |line: u64| {
            let text = self.lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
            text.find(written).map(|start| At { line, column: text[..start].chars().count() as u64 + 1 })
        };
        let at = (first..=last).find_map(column).unwrap_or(At { line: first, column: 1 });
        self.manifest.mentions.push(Mention { image, at, path: path.to_owned(), object: None });
    }
}

/// The name of the stage that an instruction begins, in lower case.
fn stage_name(body: &Body) -> Option<String> {
    let words: Vec<&str> = body.rest.split_whitespace().collect();
    match words[..] {
        [_, word, name] if body.word == "from" && word.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    }
}

const INSTRUCTIONS: [&str; 18] = [
    "add",
    "arg",
    "cmd",
    "copy",
    "entrypoint",
    "env",
    "expose",
    "from",
    "healthcheck",
    "label",
    "maintainer",
    "onbuild",
    "run",
    "shell",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];

/// What builders set themselves.
const BUILT_IN: [&str; 9] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// Each is looked for in the lines of its instruction.
const MAX_IMAGES: usize = 1_000;
