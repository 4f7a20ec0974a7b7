//! Checkpoints: what a log signed about its size and its root (C2SP tlog-checkpoint and signed-note).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::excerpt;

use crate::{TransparencyLog, fields::decimal};

/// A checkpoint as found: no signature is checked yet.
#[derive(Debug)]
pub(crate) struct Checkpoint<'a> {
    text: &'a str,
    origin: &'a str,
    pub(crate) size: u64,
    pub(crate) root: [u8; 32],
    lines: Vec<Line<'a>>,
}

#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    hint: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Checkpoint<'a> {
    /// Takes a checkpoint apart: origin, size, root, whatever else, a blank line, signatures.
    pub(crate) fn parse(note: &'a str) -> Result<Self, CheckpointFault> {
        let malformed = CheckpointFault::Malformed;
        if note.len() > MAX_NOTE {
            return Err(malformed("at most 64 KiB"));
        }
        let (body, signatures) = note.rsplit_once("\n\n").ok_or(malformed("a blank line before the signatures"))?;
        let text = &note[..=body.len()];
        let mut rows = body.split('\n');
        let origin = rows.next().filter(|row| !row.is_empty()).ok_or(malformed("an origin"))?;
        let size = rows.next().and_then(decimal).ok_or(malformed("a size"))?;
        let root = rows.next().and_then(|row| BASE64_STANDARD.decode(row).ok()?.try_into().ok());
        let root = root.ok_or(malformed("a root hash"))?;
        if signatures.is_empty() {
            return Err(malformed("a signature"));
        }
        let signatures = signatures.strip_suffix('\n').ok_or(malformed("a line end after the last signature"))?;
        let lines: Vec<_> =
            signatures.split('\n').take(MAX_LINES + 1).map(line).collect::<Option<_>>().unwrap_or_default();
        match lines.len() {
            1..=MAX_LINES => Ok(Self { text, origin, size, root, lines }),
            _ => Err(malformed("between one and 100 signature lines")),
        }
    }

    /// Checks that the log signed it. Other signatures, of witnesses say, are passed over; of those that call themselves
    /// the log's, two are checked, since a number of four bytes may be a witness's too.
    pub(crate) fn is_by(&self, log: &TransparencyLog) -> Result<(), CheckpointFault> {
        let first = self.is_version_1();
        if !first && self.origin != log.origin() {
            let found = excerpt(self.origin, 100);
            return Err(CheckpointFault::Origin { found, wanted: log.origin().to_owned() });
        }
        let named = self.lines.iter().filter(|line| match first {
            true => line.hint == log.hint(),
            false => line.hint == log.note_hint() && line.name == log.origin(),
        });
        let mut known = named.take(MAX_OWN_LINES);
        let made = |line: &Line<'_>| log.key().verify(self.text.as_bytes(), &line.signature).is_ok();
        match (known.clone().next(), known.any(made)) {
            (_, true) => Ok(()),
            (Some(_), false) => Err(CheckpointFault::Signature),
            (None, false) => Err(CheckpointFault::Unsigned { wanted: log.name().to_owned() }),
        }
    }

    /// A log of version 1 signs as its host, ` - ` and a number.
    fn is_version_1(&self) -> bool {
        let number = |tree: &str| !tree.is_empty() && tree.bytes().all(|byte| byte.is_ascii_digit());
        self.origin.rsplit_once(" - ").is_some_and(|(_, tree)| number(tree))
    }
}

/// `— name base64(hint ‖ signature)`
fn line(row: &str) -> Option<Line<'_>> {
    let (name, encoded) = row.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let (hint, signature) = bytes.split_first_chunk::<4>()?;
    let good = !name.is_empty() && !signature.is_empty();
    good.then(|| Line { name, hint: *hint, signature: signature.to_vec() })
}

const MAX_NOTE: usize = 64 * 1024;
const MAX_LINES: usize = 100;
const MAX_OWN_LINES: usize = 2;

/// Why a checkpoint proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// It is no checkpoint.
    #[error("checkpoint is malformed, wanted {0}")]
    Malformed(&'static str),
    /// It speaks of another log.
    #[error("checkpoint is of `{found}`, wanted `{wanted}`")]
    Origin {
        /// The origin found.
        found: String,
        /// The log's name.
        wanted: String,
    },
    /// The log did not sign it.
    #[error("checkpoint is not signed by `{wanted}`")]
    Unsigned {
        /// The log's name.
        wanted: String,
    },
    /// The log's signature is wrong.
    #[error("checkpoint's signature is not the log's")]
    Signature,
    /// It is about another tree than the proof.
    #[error("checkpoint is of {found}, proof is of {wanted}")]
    OtherTree {
        /// The checkpoint's size and root.
        found: String,
        /// The proof's.
        wanted: String,
    },
}
