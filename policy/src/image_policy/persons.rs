//! Who is who: how many of several wanted signers are there, when everybody counts once.

use verifier::{Identity, Signer};

/// For each signer the number of the person: two signers are one where they are the same key, or two names of one issuer
/// that some certificate held together.
pub(crate) fn persons(signers: &[&Signer]) -> Vec<usize> {
    let mut person: Vec<usize> = (0..signers.len()).collect();
    for later in 0..signers.len() {
        for earlier in 0..later {
            if person[earlier] != person[later] && same(signers[earlier], signers[later]) {
                let (one, other) = (person[earlier], person[later]);
                person.iter_mut().filter(|who| **who == other).for_each(|who| *who = one);
            }
        }
    }
    person
}

fn same(one: &Signer, other: &Signer) -> bool {
    match (one, other) {
        (Signer::Key(one), Signer::Key(other)) => one == other,
        (Signer::Identity(one), Signer::Identity(other)) => share_a_name(one, other),
        (Signer::Key(_), Signer::Identity(_)) | (Signer::Identity(_), Signer::Key(_)) => false,
    }
}

/// A certificate's names are read in full from one format and in part from the other.
fn share_a_name(one: &Identity, other: &Identity) -> bool {
    one.issuer() == other.issuer() && one.names().iter().any(|name| other.names().contains(name))
}

/// For each place the candidate that takes it, with no candidate in two places and as many places taken as possible.
/// `fits` has for each place the candidates that could take it.
pub(crate) fn assign(fits: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut places: Vec<Option<usize>> = vec![None; fits.len()];
    for place in 0..fits.len() {
        let mut asked = vec![false; fits.len()];
        settle(place, fits, &mut places, &mut asked);
    }
    places
}

/// Finds a candidate for a place; whoever is there already moves to another place, if one can be found.
fn settle(place: usize, fits: &[Vec<usize>], places: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    asked[place] = true;
    for &candidate in &fits[place] {
        let taken = places.iter().position(|holder| *holder == Some(candidate));
        let free = match taken {
            None => true,
            Some(other) => !asked[other] && settle(other, fits, places, asked),
        };
        if free {
            places[place] = Some(candidate);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(fits: &[&[usize]]) -> usize {
        let fits: Vec<Vec<usize>> = fits.iter().map(|candidates| candidates.to_vec()).collect();
        let places = assign(&fits);
        for (place, candidate) in places.iter().enumerate() {
            assert!(candidate.is_none_or(|candidate| fits[place].contains(&candidate)), "{places:?}");
        }
        let mut all: Vec<usize> = places.into_iter().flatten().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "nobody is in two places");
        count
    }

    #[test]
    fn one_candidate_takes_one_place() {
        assert_eq!(taken(&[&[7], &[7], &[7]]), 1);
        assert_eq!(taken(&[&[], &[]]), 0);
        assert_eq!(taken(&[]), 0);
    }

    #[test]
    fn first_choice_gives_way_where_that_helps() {
        assert_eq!(taken(&[&[1, 2], &[1]]), 2, "greedy choice would leave the second without anybody");
        assert_eq!(taken(&[&[1, 2], &[2, 3], &[1], &[2]]), 3);
        assert_eq!(taken(&[&[1], &[1, 2], &[2, 3], &[3, 4]]), 4, "a chain of moves");
    }

    proptest::proptest! {
        #[test]
        fn as_many_places_are_taken_as_any_choice_takes(
            fits in proptest::collection::vec(proptest::collection::vec(0usize..5, 0..4), 0..6)
        ) {
            let slices: Vec<&[usize]> = fits.iter().map(Vec::as_slice).collect();
            proptest::prop_assert_eq!(taken(&slices), best(&slices, &mut Vec::new()));
        }
    }

    /// By trying everything.
    fn best(fits: &[&[usize]], used: &mut Vec<usize>) -> usize {
        let Some((first, rest)) = fits.split_first() else { return 0 };
        let mut most = best(rest, used);
        for &candidate in *first {
            if !used.contains(&candidate) {
                used.push(candidate);
                most = most.max(1 + best(rest, used));
                used.pop();
            }
        }
        most
    }
}
