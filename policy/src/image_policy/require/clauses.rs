//! What a policy asks of its authorities, as lists of alternatives that must all be met.

use super::{Member, Require, Threshold};

impl Require {
    /// Lists of authorities: of each, one must be met. None where there would be too many, or identities are counted.
    ///
    /// It is the same only where no two authorities of a threshold can be met by one signer.
    pub(crate) fn clauses(&self) -> Option<Vec<Vec<usize>>> {
        let clauses = match self {
            Self::Authority(authority) => vec![vec![*authority]],
            Self::All(several) => several.iter().map(Self::clauses).collect::<Option<Vec<_>>>()?.concat(),
            Self::Any(several) => several.iter().map(Self::clauses).reduce(either).flatten()?,
            Self::Threshold(threshold) => threshold.clauses()?,
        };
        (clauses.len() <= MAX_CLAUSES).then_some(clauses)
    }

    /// Whether anything is counted.
    pub(crate) fn counts(&self) -> bool {
        match self {
            Self::Authority(_) => false,
            Self::All(several) | Self::Any(several) => several.iter().any(Self::counts),
            Self::Threshold(_) => true,
        }
    }
}

impl Threshold {
    /// So few are left out that one at least is among any others.
    fn clauses(&self) -> Option<Vec<Vec<usize>>> {
        let authority = |member: &Member| match member {
            Member::Authority(authority) => Some(*authority),
            Member::Identity { .. } => None,
        };
        let of: Vec<usize> = self.of.iter().map(authority).collect::<Option<_>>()?;
        let size = of.len() + 1 - self.min.get();
        let mut chosen: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new())];
        for _ in 0..size {
            let next = |(from, members): &(usize, Vec<usize>)| {
                let with = |at: usize| (at + 1, [members.as_slice(), &[of[at]]].concat());
                (*from..of.len()).map(with).collect::<Vec<_>>()
            };
            chosen = chosen.iter().flat_map(next).collect();
            if chosen.len() > MAX_CHOICES {
                return None;
            }
        }
        Some(chosen.into_iter().map(|(_, members)| members).collect())
    }
}

/// One or the other: one of any two of their lists.
fn either(one: Option<Vec<Vec<usize>>>, other: Option<Vec<Vec<usize>>>) -> Option<Vec<Vec<usize>>> {
    let (one, other) = (one?, other?);
    let both =
        |clause: &Vec<usize>| other.iter().map(|beside| [clause.as_slice(), beside].concat()).collect::<Vec<_>>();
    (one.len() * other.len() <= MAX_CLAUSES).then(|| one.iter().flat_map(both).collect())
}

/// More are for nobody to read.
const MAX_CLAUSES: usize = 64;
/// Of choices that are not complete yet, each of which may come to nothing.
const MAX_CHOICES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{
        super::{Answers, Several},
        *,
    };

    fn threshold(min: usize, of: &[usize]) -> Require {
        let members = of.iter().map(|authority| Member::Authority(*authority)).collect();
        Require::Threshold(Threshold::of(NonZeroUsize::new(min).unwrap(), members).unwrap())
    }

    fn all(parts: Vec<Require>) -> Require {
        Require::All(Several::of(parts).unwrap())
    }

    fn any(parts: Vec<Require>) -> Require {
        Require::Any(Several::of(parts).unwrap())
    }

    fn met(clauses: &[Vec<usize>], signed: &[usize]) -> bool {
        clauses.iter().all(|clause| clause.iter().any(|authority| signed.contains(authority)))
    }

    #[test]
    fn threshold_is_met_by_so_many_and_no_fewer() {
        for min in 1..=4 {
            let clauses = threshold(min, &[0, 1, 2, 3]).clauses().unwrap();
            for signed in [vec![], vec![2], vec![0, 3], vec![1, 2, 3], vec![0, 1, 2, 3]] {
                assert_eq!(met(&clauses, &signed), signed.len() >= min, "{min} {signed:?}");
            }
        }
        assert_eq!(threshold(2, &[0, 1, 2]).clauses().unwrap(), [[0, 1], [0, 2], [1, 2]]);
    }

    #[test]
    fn nested_needs_are_met_by_the_same() {
        let one = Require::Authority;
        for need in [
            any(vec![one(0), all(vec![one(1), one(2)])]),
            all(vec![one(0), any(vec![one(1), one(2)])]),
            any(vec![all(vec![one(0), one(1)]), all(vec![one(2), one(3)])]),
        ] {
            let clauses = need.clauses().unwrap();
            for bits in 0..16_usize {
                let signed: Vec<usize> = (0..4).filter(|at| bits >> at & 1 == 1).collect();
                let satisfied = |authority: usize| signed.contains(&authority).then_some(None);
                let answers = Answers { satisfied: &satisfied, signers: &|_| Vec::new() };
                assert_eq!(met(&clauses, &signed), need.met(&answers).is_some(), "{need:?} {signed:?}");
            }
        }
    }

    #[test]
    fn too_many_lists_are_none() {
        let pair = |at: usize| all(vec![Require::Authority(at), Require::Authority(at + 1)]);
        assert_eq!(any((0..6).map(pair).collect()).clauses().map(|all| all.len()), Some(64));
        assert_eq!(any((0..7).map(pair).collect()).clauses(), None);
        let many: Vec<usize> = (0..64).collect();
        assert_eq!(threshold(32, &many).clauses(), None);
        assert_eq!(threshold(64, &many).clauses().map(|all| all.len()), Some(64));
        let person = Threshold::of(NonZeroUsize::MIN, vec![Member::Identity { authority: 0, identity: 0 }]);
        assert_eq!(Require::Threshold(person.unwrap()).clauses(), None);
    }
}
