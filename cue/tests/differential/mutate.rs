//! Policies of the table, torn and mended: what a reader of CUE must read as CUE does, or refuse.

use crate::generate::Chance;
use crate::table::Case;

/// A policy with one to three pieces removed, doubled, or replaced by one of another policy.
pub(crate) fn policy(chance: &mut Chance, table: &[Case], policy: &str) -> String {
    let mut found = pieces(policy);
    for _ in 0..=chance.below(3) {
        if found.is_empty() {
            break;
        }
        let at = chance.below(found.len());
        let other = pieces(&table[chance.below(table.len())].policy);
        match chance.below(5) {
            0 => drop(found.remove(at)),
            1 => found.insert(at, found[at].clone()),
            2 if !other.is_empty() => found.insert(at, other[chance.below(other.len())].clone()),
            _ if !other.is_empty() => found[at] = other[chance.below(other.len())].clone(),
            _ => {}
        }
    }
    found.concat()
}

/// Words, blanks, quoted texts and single signs.
fn pieces(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut quoted = false;
    for c in text.chars() {
        let joins = match (found.last().and_then(|piece| piece.chars().last()), c) {
            (Some(_), _) if quoted => true,
            (Some(last), c) => last.is_alphanumeric() && c.is_alphanumeric() || last == ' ' && c == ' ',
            (None, _) => false,
        };
        if c == '"' {
            quoted = !quoted;
        } else if c == '\n' {
            quoted = false;
        }
        match found.last_mut() {
            Some(piece) if joins => piece.push(c),
            _ => found.push(c.to_string()),
        }
    }
    found
}
