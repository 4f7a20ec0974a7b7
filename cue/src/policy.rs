//! A policy: read once, then held against data.

use std::fmt;

use serde_json::Value as Json;

use crate::error::{ConflictKind, Conflicts, CueError, Problem};
use crate::evaluate::{Findings, Stop, evaluate};
use crate::limits::MAX_TEXT;
use crate::parse;
use crate::resolve::resolve;
use crate::scan::{At, tokens};
use crate::subset;
use crate::syntax::{Expr, Kind, Place};
use crate::value::shortened;

/// A policy in CUE that was read and is not contradictory in itself.
///
/// Holds the text alone, so that it can be shared between threads; reading it again costs less than judging data.
#[derive(Clone, PartialEq, Eq)]
pub struct Policy {
    text: String,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// If the text is not CUE, uses what is not supported, exceeds a limit, or can be met by no data.
    pub fn parse(text: &str) -> Result<Self, CueError> {
        let body = read(text).map_err(|(problem, place)| located(text, problem, place))?;
        let place = Place { line: 1, column: 1 };
        let unmet = match evaluate(&body, None) {
            Ok(Findings { top, all }) => {
                let unknown = top.iter().position(|reason| is_unknown(reason.kind)).unwrap_or(0);
                top.into_iter().nth(unknown).or_else(|| all.into_iter().find(|reason| is_certain(reason.kind)))
            }
            Err(Stop(reason)) => Some(reason),
        };
        match unmet {
            None => Ok(Self { text: text.to_owned() }),
            Some(reason) => {
                let place = Place { line: reason.line.max(1), ..place };
                let problem = match reason.kind {
                    kind if is_unknown(kind) => Problem::Incomplete(reason.to_string()),
                    ConflictKind::Undecided => Problem::Undecided(reason.to_string()),
                    _ => Problem::Contradiction(reason.to_string()),
                };
                Err(located(text, problem, place))
            }
        }
    }

    /// Holds the policy against data.
    ///
    /// Numbers are compared as the JSON value has them: what its parser rounded, it rounded before.
    ///
    /// # Errors
    /// If the data do not meet the policy, or if it cannot be known whether they do.
    pub fn check(&self, data: &Json) -> Result<(), Conflicts> {
        let body = read(&self.text).expect("the text was read before");
        let reasons = match evaluate(&body, Some(data)) {
            Ok(findings) => findings.all,
            Err(Stop(reason)) => vec![reason],
        };
        Conflicts::new(reasons).map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("bytes", &self.text.len()).finish()
    }
}

fn read(text: &str) -> Result<Expr, At> {
    let place = Place { line: 1, column: 1 };
    if text.len() > MAX_TEXT {
        return Err((Problem::TooLarge { what: "bytes", limit: MAX_TEXT }, place));
    }
    let body = resolve(parse::file(tokens(text)?)?)?;
    subset::refuse(&body)?;
    Ok(Expr { place, kind: Kind::Struct(body) })
}

/// Whether a reason holds whatever the data add.
fn is_certain(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::Conflicting | ConflictKind::Invalid | ConflictKind::NotAllowed)
}

fn is_unknown(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::Incomplete | ConflictKind::Undefined)
}

fn located(text: &str, problem: Problem, place: Place) -> CueError {
    let line = text.split('\n').nth(place.line.saturating_sub(1) as usize).unwrap_or("");
    let excerpt = shortened(&line.chars().take(MAX_EXCERPT).flat_map(char::escape_debug).collect::<String>());
    CueError { problem, line: place.line, column: place.column, excerpt }
}

const MAX_EXCERPT: usize = 200;
