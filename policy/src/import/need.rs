//! How many of whose signatures a foreign rule needs.
//!
//! Nothing is met by nobody: a need without a way to meet it stays one that refuses.

use std::collections::BTreeMap;

use serde_json::Value;

/// Whose signatures are needed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Need {
    /// What cannot be met, since it could not be said.
    Nobody,
    One(Signer),
    All(Vec<Need>),
    Any(Vec<Need>),
    /// So many of these.
    AtLeast(usize, Vec<Signer>),
}

/// An authority, and the annotations that every signature by it must have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signer {
    pub(super) authority: Value,
    pub(super) annotations: BTreeMap<String, String>,
}

impl From<Value> for Signer {
    fn from(authority: Value) -> Self {
        Self { authority, annotations: BTreeMap::new() }
    }
}

impl From<Option<Signer>> for Need {
    fn from(signer: Option<Signer>) -> Self {
        signer.map_or(Self::Nobody, Self::One)
    }
}

impl From<Option<Value>> for Need {
    fn from(authority: Option<Value>) -> Self {
        authority.map(Signer::from).into()
    }
}

impl Need {
    /// Any one of these authorities.
    pub(super) fn any(authorities: Vec<Value>) -> Self {
        Self::Any(authorities.into_iter().map(|authority| Self::One(authority.into())).collect())
    }

    /// The same in as few words as can be. What stays is nobody, or can be met.
    pub(super) fn simple(self) -> Self {
        match self {
            Self::All(parts) => {
                let parts: Vec<Self> = parts.into_iter().map(Self::simple).collect();
                if parts.contains(&Self::Nobody) {
                    return Self::Nobody;
                }
                let flat = parts.into_iter().flat_map(|part| match part {
                    Self::All(parts) => parts,
                    part => vec![part],
                });
                Self::several(flat.collect(), Self::All)
            }
            Self::Any(parts) => {
                let flat = parts.into_iter().map(Self::simple).flat_map(|part| match part {
                    Self::Nobody => Vec::new(),
                    Self::Any(parts) => parts,
                    part => vec![part],
                });
                Self::several(flat.collect(), Self::Any)
            }
            Self::AtLeast(min, signers) => Self::counted(min, distinct(signers)),
            part => part,
        }
    }

    fn several(parts: Vec<Self>, of: fn(Vec<Self>) -> Self) -> Self {
        let mut parts = distinct(parts);
        match parts.len() {
            0 => Self::Nobody,
            1 => parts.remove(0),
            _ => of(parts),
        }
    }

    fn counted(min: usize, signers: Vec<Signer>) -> Self {
        let each = || signers.iter().cloned().map(Self::One).collect();
        match min {
            0 => Self::Nobody,
            1 => Self::several(each(), Self::Any),
            min if min > signers.len() => Self::Nobody,
            min if min == signers.len() => Self::All(each()),
            min => Self::AtLeast(min, signers),
        }
    }

    /// The signers any one of whom meets it, if that is all there is to it.
    pub(super) fn ways(&self) -> Option<Vec<&Signer>> {
        match self {
            Self::One(signer) => Some(vec![signer]),
            Self::Any(parts) => parts
                .iter()
                .map(|part| match part {
                    Self::One(signer) => Some(signer),
                    _ => None,
                })
                .collect(),
            Self::Nobody | Self::All(_) | Self::AtLeast(..) => None,
        }
    }

    /// Everybody that it names, each once.
    pub(super) fn signers(&self) -> Vec<&Signer> {
        let all = match self {
            Self::Nobody => Vec::new(),
            Self::One(signer) => vec![signer],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::signers).collect(),
            Self::AtLeast(_, signers) => signers.iter().collect(),
        };
        distinct(all)
    }

    /// How deep it is nested.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Nobody | Self::One(_) | Self::AtLeast(..) => 1,
        }
    }
}

fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    all.into_iter().fold(Vec::new(), |mut distinct, one| {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
        distinct
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn signer(name: &str) -> Signer {
        json!({"name": name}).into()
    }

    fn one(name: &str) -> Need {
        Need::One(signer(name))
    }

    #[test]
    fn what_nothing_meets_is_nobody() {
        for need in [
            Need::All(vec![]),
            Need::Any(vec![]),
            Need::All(vec![one("a"), Need::Nobody]),
            Need::Any(vec![Need::Nobody, Need::All(vec![])]),
            Need::AtLeast(0, vec![signer("a")]),
            Need::AtLeast(2, vec![signer("a"), signer("a")]),
            Need::AtLeast(1, vec![]),
        ] {
            assert_eq!(need.clone().simple(), Need::Nobody, "{need:?}");
        }
    }

    #[test]
    fn counts_of_one_and_of_all_are_no_counts() {
        let three = vec![signer("a"), signer("b"), signer("c")];
        assert_eq!(Need::AtLeast(1, three.clone()).simple(), Need::Any(vec![one("a"), one("b"), one("c")]));
        assert_eq!(Need::AtLeast(3, three.clone()).simple(), Need::All(vec![one("a"), one("b"), one("c")]));
        assert_eq!(Need::AtLeast(2, three.clone()).simple(), Need::AtLeast(2, three));
    }

    #[test]
    fn only_alternatives_are_ways() {
        assert_eq!(Need::Any(vec![one("a"), one("b")]).ways().map(|ways| ways.len()), Some(2));
        for need in [Need::Nobody, Need::All(vec![one("a"), one("b")]), Need::Any(vec![one("a"), Need::All(vec![])])] {
            assert_eq!(need.ways(), None, "{need:?}");
        }
    }
}
