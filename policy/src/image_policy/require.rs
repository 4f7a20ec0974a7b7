//! Which of a policy's authorities must be met, and how many: any, all, a threshold, and nestings of these.
//!
//! Nothing is empty here, by type: no list without an entry, no threshold of none. A threshold counts different
//! members met by different signers, so that one key counts once, under however many names.

mod clauses;
mod read;

use std::{collections::BTreeSet, num::NonZeroUsize};

use verifier::Signer;

pub(crate) use self::read::{Kind, Named, read};
use super::persons::{assign, persons};

/// What a policy asks of its authorities, by their place in its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Require {
    Authority(usize),
    All(Several),
    Any(Several),
    Threshold(Threshold),
}

/// One or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Several {
    first: Box<Require>,
    rest: Vec<Require>,
}

/// So many different members of these; there are at least that many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Threshold {
    min: NonZeroUsize,
    of: Vec<Member>,
}

/// Somebody who can count towards a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// An authority, met by whichever of its signers.
    Authority(usize),
    /// One identity of an authority that names several.
    Identity { authority: usize, identity: usize },
}

/// What is known about the authorities.
pub(crate) struct Answers<'c, 'a> {
    /// For an authority that is satisfied, who signed; nobody, where it asks for nothing.
    pub(crate) satisfied: &'c dyn Fn(usize) -> Option<Option<&'a Signer>>,
    /// Everybody whose signature is what a member asks for.
    pub(crate) signers: &'c dyn Fn(Member) -> Vec<&'a Signer>,
}

/// An authority that was needed, and whose signature met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Use<'a> {
    pub(crate) authority: usize,
    pub(crate) signer: Option<&'a Signer>,
}

impl Require {
    /// Everything that was needed to meet this, or nothing where it is not met.
    pub(crate) fn met<'a>(&self, answers: &Answers<'_, 'a>) -> Option<Vec<Use<'a>>> {
        match self {
            Self::Authority(authority) => answers.to(*authority).map(|one| vec![one]),
            Self::Any(several) => several.iter().find_map(|one| one.met(answers)),
            Self::All(several) => {
                several.iter().map(|one| one.met(answers)).collect::<Option<Vec<_>>>().map(|all| all.concat())
            }
            Self::Threshold(threshold) => {
                Some(threshold.counted(answers)).filter(|counted| counted.len() >= threshold.min.get())
            }
        }
    }

    /// What is wanting, a line for each part that is not met and is needed; names are those of the authorities.
    pub(crate) fn shortage(&self, answers: &Answers<'_, '_>, names: &[&str]) -> Vec<String> {
        if self.met(answers).is_some() {
            return Vec::new();
        }
        match self {
            Self::Authority(authority) => vec![format!("authority {} is not met", names[*authority])],
            Self::All(several) => several.iter().flat_map(|one| one.shortage(answers, names)).collect(),
            Self::Any(several) => {
                let ways: Vec<String> = several.iter().map(|one| one.shortage(answers, names).join(" and ")).collect();
                vec![ways.join(", or ")]
            }
            Self::Threshold(threshold) => vec![threshold.shortage(answers, names)],
        }
    }

    /// All authorities that it names.
    pub(crate) fn authorities(&self) -> Vec<usize> {
        match self {
            Self::Authority(authority) => vec![*authority],
            Self::All(several) | Self::Any(several) => several.iter().flat_map(Self::authorities).collect(),
            Self::Threshold(threshold) => threshold.of.iter().map(|member| member.authority()).collect(),
        }
    }
}

impl Several {
    /// These, if there is any.
    pub(crate) fn of(all: Vec<Require>) -> Option<Self> {
        let mut all = all.into_iter();
        all.next().map(|first| Self { first: Box::new(first), rest: all.collect() })
    }

    fn iter(&self) -> impl Iterator<Item = &Require> {
        std::iter::once(&*self.first).chain(&self.rest)
    }
}

impl Threshold {
    /// A threshold that can be reached.
    pub(crate) fn of(min: NonZeroUsize, of: Vec<Member>) -> Option<Self> {
        (min.get() <= of.len()).then_some(Self { min, of })
    }

    /// As many members as there are different signers for.
    fn counted<'a>(&self, answers: &Answers<'_, 'a>) -> Vec<Use<'a>> {
        let by_member: Vec<Vec<&Signer>> = self.of.iter().map(|member| distinct((answers.signers)(*member))).collect();
        let all: Vec<&Signer> = by_member.concat();
        let mut who = persons(&all).into_iter();
        let fits: Vec<Vec<usize>> =
            by_member.iter().map(|signers| who.by_ref().take(signers.len()).collect()).collect();
        let taken = assign(&fits).into_iter().zip(&self.of).enumerate();
        let counted = taken.filter_map(|(place, (person, member))| {
            let signer = fits[place].iter().position(|who| Some(*who) == person)?;
            Some(Use { authority: member.authority(), signer: Some(by_member[place][signer]) })
        });
        counted.collect()
    }

    fn shortage(&self, answers: &Answers<'_, '_>, names: &[&str]) -> String {
        let counted = self.counted(answers);
        let shown = |one: &Use<'_>| one.signer.map(|signer| format!("{} by {signer}", names[one.authority]));
        let found: Vec<String> = counted.iter().filter_map(shown).collect();
        let found = if found.is_empty() { String::new() } else { format!(" ({})", found.join(", ")) };
        let mut of: Vec<&str> = self.of.iter().map(|member| names[member.authority()]).collect();
        of.dedup();
        let (min, count) = (self.min, counted.len());
        format!("{count} found{found}, wanted {min} of {}, each by another signer", of.join(", "))
    }
}

/// Each signer once: anybody can store a signature a thousand times.
fn distinct(mut signers: Vec<&Signer>) -> Vec<&Signer> {
    let mut seen = BTreeSet::new();
    signers.retain(|signer| seen.insert(*signer));
    signers
}

impl Member {
    fn authority(self) -> usize {
        match self {
            Self::Authority(authority) | Self::Identity { authority, .. } => authority,
        }
    }
}

impl<'a> Answers<'_, 'a> {
    fn to(&self, authority: usize) -> Option<Use<'a>> {
        (self.satisfied)(authority).map(|signer| Use { authority, signer })
    }
}

#[cfg(test)]
mod tests {
    use keys::PrivateKey;

    use super::*;

    fn keys(count: usize) -> Vec<Signer> {
        (0..count).map(|_| Signer::Key(PrivateKey::generate().unwrap().public().id())).collect()
    }

    /// Whether it is met where these signers met these authorities, by place.
    fn met(require: &Require, by: &[Vec<&Signer>]) -> bool {
        let signers = |member: Member| by[member.authority()].clone();
        let satisfied = |authority: usize| by[authority].first().map(|signer| Some(*signer));
        require.met(&Answers { satisfied: &satisfied, signers: &signers }).is_some()
    }

    fn authority(place: usize) -> Require {
        Require::Authority(place)
    }

    fn all(of: Vec<Require>) -> Require {
        Require::All(Several::of(of).unwrap())
    }

    fn any(of: Vec<Require>) -> Require {
        Require::Any(Several::of(of).unwrap())
    }

    fn threshold(min: usize, of: usize) -> Require {
        let members = (0..of).map(Member::Authority).collect();
        Require::Threshold(Threshold::of(NonZeroUsize::new(min).unwrap(), members).unwrap())
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert_eq!(Several::of(Vec::new()), None);
        assert_eq!(Threshold::of(NonZeroUsize::MIN, Vec::new()), None);
        assert_eq!(Threshold::of(NonZeroUsize::new(2).unwrap(), vec![Member::Authority(0)]), None);
    }

    #[test]
    fn all_of_and_any_of_nest() {
        let who = keys(3);
        let (a, b, none) = (vec![&who[0]], vec![&who[1]], vec![]);
        let both = all(vec![authority(0), authority(1)]);
        assert!(met(&both, &[a.clone(), b.clone()]));
        assert!(!met(&both, &[a.clone(), none.clone()]));
        assert!(!met(&both, &[none.clone(), b.clone()]));
        let either = any(vec![all(vec![authority(0), authority(1)]), authority(2)]);
        assert!(met(&either, &[none.clone(), none.clone(), vec![&who[2]]]));
        assert!(met(&either, &[a.clone(), b, none.clone()]));
        assert!(!met(&either, &[a, none.clone(), none]));
    }

    #[test]
    fn same_signer_counts_once_towards_a_threshold() {
        let who = keys(2);
        let two = threshold(2, 3);
        assert!(met(&two, &[vec![&who[0]], vec![&who[1]], vec![]]));
        assert!(!met(&two, &[vec![&who[0]], vec![&who[0]], vec![&who[0]]]), "one key under three names");
        assert!(!met(&two, &[vec![&who[0], &who[1]], vec![], vec![]]), "two signers for one member");
    }

    #[test]
    fn signature_that_is_stored_a_thousand_times_costs_no_time() {
        let who = keys(2);
        let many = vec![&who[0]; 20_000];
        assert_eq!(distinct(many.clone()), [&who[0]]);
        assert!(!met(&threshold(2, 3), &[many.clone(), many.clone(), many.clone()]));
        assert!(met(&threshold(2, 3), &[many.clone(), many, vec![&who[1]]]));
    }

    #[test]
    fn threshold_finds_the_assignment_that_works() {
        let who = keys(2);
        assert!(met(&threshold(2, 2), &[vec![&who[0], &who[1]], vec![&who[0]]]));
        assert!(!met(&threshold(2, 2), &[vec![&who[0], &who[0]], vec![&who[0]]]));
    }

    #[test]
    fn one_signer_may_serve_two_parts_of_all_of_but_not_two_places_of_a_threshold() {
        let who = keys(1);
        let by = [vec![&who[0]], vec![&who[0]]];
        assert!(met(&all(vec![authority(0), authority(1)]), &by));
        assert!(!met(&threshold(2, 2), &by));
    }

    #[test]
    fn what_asks_for_nothing_is_no_signer() {
        let none = |_: Member| Vec::new();
        let answers = Answers { satisfied: &|_| Some(None), signers: &none };
        assert!(authority(0).met(&answers).is_some_and(|uses| uses == [Use { authority: 0, signer: None }]));
        assert_eq!(threshold(1, 1).met(&answers), None);
    }

    #[test]
    fn uses_tell_who_met_what() {
        let who = keys(2);
        let by = [vec![&who[0], &who[1]], vec![&who[0]]];
        let signers = |member: Member| by[member.authority()].clone();
        let uses = threshold(2, 2).met(&Answers { satisfied: &|_| None, signers: &signers }).unwrap();
        assert_eq!(uses[0], Use { authority: 0, signer: Some(&who[1]) });
        assert_eq!(uses[1], Use { authority: 1, signer: Some(&who[0]) });
    }

    #[test]
    fn shortage_says_what_was_found_and_wanted() {
        let who = keys(1);
        let by = [vec![&who[0]], vec![], vec![]];
        let signers = |member: Member| by[member.authority()].clone();
        let satisfied = |authority: usize| by[authority].first().map(|signer| Some(*signer));
        let answers = Answers { satisfied: &satisfied, signers: &signers };
        let names = ["release", "audit", "security"];
        let said = threshold(2, 3).shortage(&answers, &names);
        assert_eq!(
            said,
            [format!("1 found (release by {}), wanted 2 of release, audit, security, each by another signer", who[0])]
        );
        let said = all(vec![authority(0), any(vec![authority(1), authority(2)])]).shortage(&answers, &names);
        assert_eq!(said, ["authority audit is not met, or authority security is not met"]);
        assert_eq!(authority(0).shortage(&answers, &names), Vec::<String>::new());
    }
}
