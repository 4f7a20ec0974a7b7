//! `console` blocks: commands behind `$ `, what they print, and `# exit N` behind what ends otherwise than well.
//!
//! The blocks of one document are run in order, in one folder, against one registry. A shown line must be printed, in
//! the order shown; in it `…` stands for any text, and a line `…` for any lines.

use crate::{
    document::{self, Block, Document},
    stage::Stage,
};

struct Step {
    at: usize,
    command: String,
    shown: Vec<String>,
    exit: i32,
}

#[test]
fn every_command_in_the_documents_does_what_they_show() {
    let (mut run, mut wrong) = (0, Vec::new());
    for document in document::all() {
        let steps = steps(&document);
        if steps.is_empty() {
            continue;
        }
        let stage = Stage::set_up();
        let of = |step: &Step| play(step, &stage).err().map(|why| format!("{}:{}: {why}", document.name, step.at));
        wrong.extend(steps.iter().filter_map(of));
        run += steps.len();
    }
    assert!(wrong.is_empty(), "{} of {run} commands:\n\n{}", wrong.len(), wrong.join("\n"));
    assert!(run >= 30, "only {run} commands were found in the documents");
}

/// Runs one command; what is wrong with its end or its words.
fn play(step: &Step, stage: &Stage) -> Result<(), String> {
    let Step { command, exit, .. } = step;
    let outcome = stage.shell(command);
    let said = &outcome.stdout;
    if outcome.code != *exit {
        return Err(format!("`{command}` ended with {}, not {exit}, and said:\n{said}", outcome.code));
    }
    let shown: Vec<String> = step.shown.iter().map(|line| stage.here(line)).collect();
    occur(&shown, said)
        .map_err(|missing| format!("`{command}` did not print `{missing}` where it is shown, but:\n{said}"))
}

fn steps(document: &Document) -> Vec<Step> {
    let blocks = document.blocks().into_iter().filter(|block| block.language == "console");
    blocks.flat_map(|block| steps_of(&document.name, &block)).collect()
}

fn steps_of(document: &str, block: &Block<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut until: Option<&str> = None;
    for (line, at) in block.lines.iter().zip(block.at + 1..) {
        if let Some(command) = line.strip_prefix("$ ").filter(|_| until.is_none()) {
            steps.push(Step { at, command: command.to_owned(), shown: Vec::new(), exit: 0 });
            until = continues(command);
            continue;
        }
        let step = steps.last_mut().unwrap_or_else(|| panic!("{document}:{at}: output before any command"));
        match (until, line.strip_prefix("# exit ")) {
            (Some(end), _) => {
                step.command.extend(["\n", line]);
                let ends = if end == "\\" { !line.ends_with('\\') } else { *line == end };
                until = until.filter(|_| !ends);
            }
            (None, Some(code)) => step.exit = code.parse().unwrap_or_else(|_| panic!("{document}:{at}: no exit code")),
            (None, None) => step.shown.push((*line).to_owned()),
        }
    }
    assert!(until.is_none(), "{document}:{}: a command does not end", block.at);
    steps
}

/// What ends a command that goes on in the next line.
fn continues(command: &str) -> Option<&'static str> {
    match command.ends_with('\\') {
        true => Some("\\"),
        false => command.contains("<<EOF").then_some("EOF"),
    }
}

/// Whether these lines occur in the output in this order; the first that does not.
fn occur(shown: &[String], output: &str) -> Result<(), String> {
    let mut lines = output.lines();
    for wanted in shown.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty() && *line != "…") {
        if !lines.any(|line| fits(wanted, line.trim_end())) {
            return Err(wanted.to_owned());
        }
    }
    Ok(())
}

fn fits(pattern: &str, line: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('…') else { return pattern == line };
    let Some(mut left) = line.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('…').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.split_once(piece) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

#[test]
fn shown_lines_must_be_printed_in_order() {
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(occur(&shown(&["a", "…", "c d"]), "a\nb\nc d\n"), Ok(()));
    assert_eq!(occur(&shown(&["sha256:… in …/x"]), "sha256:12 in r/x"), Ok(()));
    assert!(occur(&shown(&["c", "a"]), "a\nb\nc\n").is_err());
    assert!(occur(&shown(&["sha256:… in y"]), "sha256:12 in r/x").is_err());
    assert!(occur(&shown(&["a"]), "a b\n").is_err());
}

#[test]
fn here_documents_and_exit_codes_are_read() {
    let lines = vec!["$ cat <<EOF", "$ x", "EOF", "$ x", "$ false \\", "  y", "z", "# exit 3"];
    let steps = steps_of("test", &Block { language: "console", at: 1, lines });
    let read: Vec<_> = steps.iter().map(|s| (s.command.as_str(), s.shown.len(), s.exit)).collect();
    assert_eq!(read, [("cat <<EOF\n$ x\nEOF", 0, 0), ("x", 0, 0), ("false \\\n  y", 1, 3)]);
}
