//! `sealgate policy fmt`: fields in their usual order, two spaces a level, and every comment where it belongs.
//!
//! A file is rewritten only if it says the same afterwards: both texts are read, and compared. What cannot be laid out
//! without a doubt is left as it is, and said.

mod layout;
mod order;
mod tree;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::files;
use crate::{
    bounded_file,
    exit::{Exit, Failure},
    output, private_file,
};

/// Rewrites policy files in their usual form: exit 0 done, 1 --check found one that is not, 2 one cannot be formatted.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Policy files and files of cases, or folders of them; `-` is standard input, formatted to standard output
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing, and end with 1 if a file is not in its usual form
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let files = files::read_all(&args.paths)?;
    let (all, mut changed, mut refused) = (files.len(), 0, Vec::new());
    for (name, text) in files {
        match formatted(&text) {
            Err(why) => refused.push(format!("{name}: {why}")),
            Ok(formatted) if name == "-" && !args.check => output::bytes(formatted.as_bytes()),
            Ok(formatted) if formatted != text => {
                changed += 1;
                output::line(&name);
                if !args.check {
                    replace(Path::new(&name), &formatted).map_err(|error| {
                        Failure::new(Exit::Usage, format_args!("{name}: {}", bounded_file::plain(&error)))
                    })?;
                }
            }
            Ok(_) => {}
        }
    }
    match (refused.len(), changed) {
        (0, 0) => Ok(()),
        (0, _) if !args.check => Ok(()),
        (0, _) => Err(Failure::failed(format_args!("{changed} of {all} files are not in their usual form"))
            .hint("`sealgate policy fmt` without --check rewrites them")),
        (count, _) => {
            Err(Failure::new(Exit::Usage, format_args!("{count} of {all} files are left as they are")).details(refused))
        }
    }
}

/// The text in its usual form, or why it has to stay as it is.
fn formatted(text: &str) -> Result<String, String> {
    let meaning = meaning(text)?;
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(text.to_owned()); // JSON, which other programs format
    }
    let formatted = layout::text(text)?;
    if self::meaning(&formatted).as_ref() != Ok(&meaning) || letters(text) != letters(&formatted) {
        return Err("what is written there cannot be moved without a doubt".to_owned());
    }
    Ok(formatted)
}

/// What the text says, whatever the order of fields.
fn meaning(text: &str) -> Result<Vec<Value>, String> {
    serde_saphyr::from_multiple::<Value>(text).map_err(|error| files::yaml_fault(&error))
}

/// Every character but blanks, however often: no comment may be lost either.
fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    letters.sort_unstable();
    letters
}

/// Writes a file anew as a whole: it is never there half.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    let mode = fs::metadata(&target)?.permissions().mode();
    private_file::beside(&target, text.as_bytes(), mode)?.persist(&target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(spec: &str) -> String {
        format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: a\nspec:\n{spec}"
        )
    }

    #[test]
    fn fields_come_in_the_order_of_the_schema_with_their_comments() {
        let text = "# head\n\nkind: ClusterImagePolicy\n# the version\napiVersion: policy.sigstore.dev/v1beta1\nspec:\n    \
                    # who\n    authorities:\n        # the team\n        -   static: {action: pass} # all\n            \
                    # its name\n            name:   a\n\n\n    images:\n    - glob: '**'   \n    # last\nmetadata: {name: a}";
        let wanted = "# head\n\n# the version\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
                      metadata: {name: a}\nspec:\n  images:\n  - glob: '**'\n  # who\n  authorities:\n  # the team\n  # its name\n  \
                      - name: a\n    static: {action: pass} # all\n  # last\n";
        assert_eq!(formatted(text).unwrap(), wanted);
        assert_eq!(formatted(wanted).unwrap(), wanted);
    }

    #[test]
    fn what_is_in_form_stays_as_it_is() {
        let text = policy(
            "  images:\n  - glob: \"**\"\n\n  # a\n  authorities:\n  - key:\n      data: |\n        a: b\n          # no comment\n\n        c\n  - static:\n      action: pass\n",
        );
        assert_eq!(formatted(&text).unwrap(), text);
        let two = format!("# head\n---\n{text}---\n# and\n{text}");
        assert_eq!(formatted(&two).unwrap(), two);
    }

    #[test]
    fn long_texts_keep_their_lines() {
        let text = policy(
            "    authorities:\n    - keyless:\n         identities:\n         - subject: >-\n              a\n              b\n           issuer: \"c\n             d\"\n      name: x\n    images: [\n      {glob: a},\n    ]\n",
        );
        let wanted = policy(
            "  images: [\n      {glob: a},\n    ]\n  authorities:\n  - name: x\n    keyless:\n      identities:\n      - issuer: \"c\n          d\"\n        subject: >-\n          a\n          b\n",
        );
        assert_eq!(formatted(&text).unwrap(), wanted);
        assert_eq!(formatted(&wanted).unwrap(), wanted);
    }

    #[test]
    fn what_cannot_be_moved_without_a_doubt_is_left() {
        for text in [
            policy("  authorities: *x\n  images: &x\n  - glob: a\n"),
            policy("\timages: a\n"),
            policy("  ? images\n  : a\n"),
            policy("  authorities: \"a\n  images: b\"\n  images: c\n"),
            "a: [\n".to_owned(),
            "%YAML 1.2\n---\na: 1\n".to_owned(),
        ] {
            assert!(formatted(&text).is_err(), "{text}{:?}", formatted(&text));
        }
    }

    #[test]
    fn foreign_kinds_are_indented_and_not_reordered() {
        let text = "spec:\n    b: 1\n    a:\n        - c\nkind: Other\n";
        assert_eq!(formatted(text).unwrap(), "spec:\n  b: 1\n  a:\n  - c\nkind: Other\n");
    }

    #[test]
    fn json_is_left_to_others() {
        let text = "{\"kind\": \"ClusterImagePolicy\",\n\"apiVersion\": 1}";
        assert_eq!(formatted(text).unwrap(), text);
    }

    #[test]
    fn whatever_is_done_to_a_file_it_is_formatted_once_and_for_all_or_left() {
        let text = policy(
            "  # a\n  images:\n  - glob: \"**\"\n  authorities:\n  - key: # b\n      data: |\n        x\n\n  # c\n\n  - \
             name: 'y'\n    keyless: {identities: [\n      {issuer: z}]}\n  mode: warn\n",
        );
        let lines: Vec<&str> = text.lines().collect();
        let edits = ["", " ", "  ", "- ", "# ", "\t", "? ", "\"", "|\n", "a: ", "]", "---\n", "\n"];
        let mut done = 0;
        for at in 0..lines.len() {
            for edit in edits {
                let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                changed[at] = format!("{edit}{}", lines[at]);
                for text in [changed.join("\n"), changed[at..].join("\n"), changed[..at].join("\n")] {
                    if let Ok(once) = formatted(&text) {
                        assert_eq!(formatted(&once).as_ref(), Ok(&once), "{text}");
                        done += 1;
                    }
                }
            }
        }
        assert!(done > 200, "only {done} were formatted");
    }
}
