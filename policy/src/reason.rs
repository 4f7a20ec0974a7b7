//! The words of denials and warnings. Their fragments are those of cosign and of the upstream admission webhook,
//! which people's scripts look for; the faults are the examination's own.

use std::collections::BTreeSet;

use oci::ImageRef;
use verifier::{Evidence, VerifiedAttestation};

use crate::{
    Glob, NotReady, Policy, Reason, Reprieve,
    glob::Match,
    image_policy::IsRevoked,
    model::{Asked, AttestationRule, Authority, By, Miss, Requirement, SignatureRule},
    problem::plain,
    program::Program,
};

/// The most telling first, then by name, whatever order the policies came in.
pub(crate) fn sort(reasons: &mut [Reason]) {
    reasons.sort_by(|a, b| (a.rank, &a.policy).cmp(&(b.rank, &b.policy)));
}

/// No policy is about the image; globs that were perhaps meant to be are named.
pub(crate) fn no_match<'a>(image: &ImageRef, policies: impl Iterator<Item = &'a Policy>) -> Reason {
    let near = policies.flat_map(Policy::globs).filter(|glob| nearly_matches(glob, image));
    let hints = near.take(MAX_HINTS).map(|glob| hint(glob, image));
    let details = std::iter::once(image.to_string()).chain(hints).collect();
    Reason { policy: None, summary: "no matching policies".to_owned(), details, rank: RANK_SETTLED }
}

/// Whether the glob matches another way to write the image than the one that counts.
fn nearly_matches(glob: &Glob, image: &ImageRef) -> bool {
    let repository = image.repository();
    let tag = image.tag().map(ToString::to_string).unwrap_or_else(|| "latest".to_owned());
    let as_given = [repository.to_string(), repository.familiar()];
    let tagged = |name: &str| glob.matches(name) || glob.matches(&format!("{name}:{tag}"));
    tagged(&repository.index_name())
        || as_given.iter().any(|name| tagged(name) || glob.matches_undigested(name) == Match::Always)
}

fn hint(glob: &Glob, image: &ImageRef) -> String {
    let name = image.repository().index_name();
    let verb = if glob.never_matches() { "never matches" } else { "does not match" };
    format!("glob `{glob}` {verb}: policies are matched against `{name}@sha256:…`; write `{name}@*`")
}

/// The policy cannot be evaluated.
pub(crate) fn not_ready(policy: &str, image: &ImageRef, why: &NotReady) -> Reason {
    failed_policy(policy, vec![format!("{image} policy is not ready: it {why}")], RANK_SETTLED)
}

/// Nothing satisfied the policy; without evidence, nothing could have.
///
/// `shortage` is what the policy's own requirement lacks, and `satisfied` the places of the authorities that are not to
/// blame.
pub(crate) fn failed<'e>(
    policy: &Policy,
    asked: Asked<'_>,
    (shortage, satisfied): (&[String], &[usize]),
    answer: impl Fn(&SignatureRule) -> Option<&'e Evidence>,
) -> Reason {
    let unsatisfied = policy.authorities.iter().enumerate().filter(|(place, _)| !satisfied.contains(place));
    let mut lines: Vec<(u8, String)> =
        unsatisfied.map(|(_, authority)| authority_line(authority, asked, &answer)).collect();
    lines.sort_by_key(|(rank, _)| *rank);
    let rank = lines.first().map_or(RANK_SETTLED, |(rank, _)| *rank);
    let shortage = shortage.iter().map(|line| format!("{} {}", asked.image, plain(line)));
    let mut details: Vec<String> = shortage.chain(lines.into_iter().map(|(_, line)| line)).collect();
    // Several authorities may have been judged by one examination, whose signatures are told of once.
    for line in policy.rules().filter_map(&answer).flat_map(signature_lines) {
        if !details.contains(&line) {
            details.push(line);
        }
    }
    failed_policy(&policy.name, details, rank)
}

/// Authorities were satisfied, and the condition on all they found was not.
pub(crate) fn condition(policy: &Policy, image: &ImageRef, condition: &Program, why: &str) -> Reason {
    let words = format!("{image} failed evaluating {condition} policy for ClusterImagePolicy: {}", plain(why));
    failed_policy(&policy.name, vec![words], RANK_SETTLED)
}

/// The authorities are as the policy wants them, and something else is not.
pub(crate) fn further(policy: &Policy, image: &ImageRef, why: &str) -> Reason {
    failed_policy(&policy.name, vec![format!("{image} {}", plain(why))], RANK_SETTLED)
}

/// Let in though the policy is not met, or could not be decided.
pub(crate) fn reprieved(image: &ImageRef, reprieve: &Reprieve, why: Option<&Reason>) -> Reason {
    let Reprieve { policy, kind, until, reason } = reprieve;
    let words = format!("{image} is let in until {until}, for this reason: {}", plain(reason));
    let undecided = || vec!["it could not be decided".to_owned()];
    let details = std::iter::once(words).chain(why.map_or_else(undecided, |why| why.details.clone())).collect();
    let summary = format!("{} from policy: {}", kind.name(), plain(policy));
    Reason { policy: Some(policy.clone()), summary, details, rank: RANK_REPRIEVED }
}

fn authority_line<'e>(
    authority: &Authority,
    asked: Asked<'_>,
    answer: impl Fn(&SignatureRule) -> Option<&'e Evidence>,
) -> (u8, String) {
    let image = asked.image;
    match &authority.requirement {
        Requirement::Fail { message } if message.is_empty() => {
            (RANK_SETTLED, format!("{image} disallowed by static policy"))
        }
        Requirement::Fail { message } => {
            (RANK_SETTLED, format!("{image} disallowed by static policy: {}", plain(message)))
        }
        Requirement::Pass | Requirement::Unsupported => (RANK_NOTHING, format!("{image} no signatures found")),
        Requirement::Signature(rule) => {
            let evidence = answer(rule);
            let (what, (rank, why)) = match rule.attestations.is_empty() {
                true => ("signature", unsatisfied(rule, asked, evidence)),
                false => ("attestation", unattested(rule, asked, evidence)),
            };
            let (name, kind) = (plain(&authority.name), rule.by.kind());
            let wanted = evidence.map(|e| e.image().index_name()).unwrap_or_default();
            (rank, format!("{image} {what} {kind} validation failed for authority {name} for {wanted}: {why}"))
        }
    }
}

/// The most telling thing about the signatures there are, from the view of one authority.
fn unsatisfied(rule: &SignatureRule, asked: Asked<'_>, evidence: Option<&Evidence>) -> (u8, String) {
    let Some(evidence) = evidence else { return (RANK_NOTHING, "no signatures found".to_owned()) };
    let own = evidence.verified().iter().filter_map(|signature| {
        let (signer, format) = (signature.signer(), signature.format());
        let told = match rule.met_by(signature, asked).err()? {
            Miss::Signer if matches!(rule.by, By::Identities(_)) => {
                let words = "none of the expected identities matched what was in the certificate";
                (RANK_STRANGER, format!("{words}: signature is by {signer}, wanted {}", rule.by))
            }
            Miss::Signer => (RANK_STRANGER, format!("signature is by {signer}, wanted {}", rule.by)),
            Miss::Format(wanted) => {
                (RANK_SETTLED, format!("signature by {signer} has the {format} format, wanted {wanted}"))
            }
            Miss::Hash { found, wanted } => {
                (RANK_SETTLED, format!("signature by {signer} is over {found}, wanted {wanted}"))
            }
            Miss::Demand(fault) => (RANK_SETTLED, format!("signature by {signer}: {fault}")),
            Miss::Revoked => (RANK_SETTLED, format!("signature by {signer}: {IsRevoked}")),
            Miss::Condition(why) => (RANK_SETTLED, format!("signature by {signer}: {why}")),
        };
        Some((told.0, plain(&told.1)))
    });
    let refused = evidence.refused().iter().map(|refused| (refused.fault.rank(), plain(&refused.fault.to_string())));
    let attested = evidence.attestations().iter().map(|one| (RANK_ATTESTATION, plain(&not_a_signature(one))));
    match own.chain(refused).chain(attested).min_by_key(|(rank, _)| *rank) {
        Some((rank, why)) => {
            let others = unmet_conditions(rule, asked, evidence).filter(|other| *other != why);
            let others: BTreeSet<String> = if rank == RANK_SETTLED { others.collect() } else { BTreeSet::new() };
            let all: Vec<String> = std::iter::once(why).chain(others).take(MAX_HINTS).collect();
            (rank, format!("no matching signatures: {}", all.join("; ")))
        }
        None => (RANK_NOTHING, "no signatures found".to_owned()),
    }
}

/// What is wrong with each signature by whom the authority names: several may have been made, none of them as wanted.
fn unmet_conditions(rule: &SignatureRule, asked: Asked<'_>, evidence: &Evidence) -> impl Iterator<Item = String> {
    evidence.verified().iter().filter_map(move |signature| match rule.met_by(signature, asked).err()? {
        Miss::Condition(why) => Some(plain(&format!("signature by {}: {why}", signature.signer()))),
        _ => None,
    })
}

/// The most telling thing about the attestations there are: the first that is asked for and not there.
fn unattested(rule: &SignatureRule, asked: Asked<'_>, evidence: Option<&Evidence>) -> (u8, String) {
    let Some(evidence) = evidence else { return (RANK_NOTHING, "no matching attestations".to_owned()) };
    let own: Vec<&VerifiedAttestation> =
        evidence.attestations().iter().filter(|one| rule.vouched(one, asked).is_ok()).collect();
    if own.is_empty() {
        let strangers = evidence
            .attestations()
            .iter()
            .filter_map(|one| rule.vouched(one, asked).err().map(|miss| missed(rule, one, &miss)));
        let refused =
            evidence.refused().iter().map(|refused| (refused.fault.rank(), plain(&refused.fault.to_string())));
        return match strangers.chain(refused).min_by_key(|(rank, _)| *rank) {
            Some((rank, why)) => (rank, format!("no matching attestations: {why}")),
            None => (RANK_NOTHING, "no matching attestations".to_owned()),
        };
    }
    // Nothing, where one of them is as wanted; otherwise why not, of each: conditions are evaluated once.
    let misses = |wanted: &AttestationRule| own.iter().map(|one| wanted.met_by(one).err()).collect::<Option<Vec<_>>>();
    let lacking = rule.attestations.iter().find_map(|wanted| Some((wanted, misses(wanted)?)));
    let Some((wanted, unmet)) = lacking else { return (RANK_NOTHING, String::new()) };
    match (unmet.into_iter().flatten().next(), &wanted.condition) {
        (Some(why), Some(condition)) => {
            let name = plain(&wanted.name);
            (RANK_SETTLED, format!("failed evaluating {condition} policy for type {name}: {}", plain(&why)))
        }
        _ => (RANK_ATTESTATION, absent_type(wanted, &own)),
    }
}

fn absent_type(wanted: &AttestationRule, own: &[&VerifiedAttestation]) -> String {
    let types: BTreeSet<&str> = own.iter().map(|one| one.predicate_type()).collect();
    let types = types.into_iter().take(MAX_HINTS).collect::<Vec<_>>().join(",");
    let kind = plain(&wanted.predicate_type);
    format!("no matching attestations with type {kind}, checked the following predicateTypes: \"{}\"", plain(&types))
}

fn missed(rule: &SignatureRule, one: &VerifiedAttestation, miss: &Miss) -> (u8, String) {
    let signer = one.signer();
    let (rank, why) = match miss {
        Miss::Signer => (RANK_STRANGER, format!("attestation is by {signer}, wanted {}", rule.by)),
        Miss::Format(wanted) => {
            (RANK_SETTLED, format!("attestation by {signer} has the {} format, wanted {wanted}", one.format()))
        }
        Miss::Hash { found, wanted } => {
            (RANK_SETTLED, format!("attestation by {signer} is over {found}, wanted {wanted}"))
        }
        Miss::Demand(fault) => (RANK_SETTLED, format!("attestation by {signer}: {fault}")),
        Miss::Revoked => (RANK_SETTLED, format!("attestation by {signer}: {IsRevoked}")),
        Miss::Condition(why) => (RANK_SETTLED, format!("attestation by {signer}: {why}")),
    };
    (rank, plain(&why))
}

/// Each signature with its own fault, where there is more than the one already told of.
fn signature_lines(evidence: &Evidence) -> Vec<String> {
    let total = evidence.refused().len() + evidence.verified().len() + evidence.attestations().len();
    if total < 2 {
        return Vec::new();
    }
    let refused = evidence.refused().iter().map(|refused| plain(&refused.to_string()));
    let verified =
        evidence.verified().iter().map(|s| format!("{}: valid {} signature by {}", s.place(), s.format(), s.signer()));
    let attested = evidence.attestations().iter().map(|one| plain(&not_a_signature(one)));
    let mut lines: Vec<String> = refused.chain(verified).chain(attested).take(MAX_SIGNATURES).collect();
    if total > lines.len() {
        lines.push(format!("and {} more signatures", total - lines.len()));
    }
    lines
}

/// An attestation says something about an image, not that it is good.
fn not_a_signature(attestation: &VerifiedAttestation) -> String {
    format!("{attestation}, which is not a signature")
}

/// A policy that only warns, about which nothing is known.
pub(crate) fn could_not_decide(policy: &str, image: &ImageRef, why: &str) -> Reason {
    let summary = format!("could not decide about policy: {policy}");
    Reason {
        policy: Some(policy.to_owned()),
        summary,
        details: vec![format!("{image} {}", plain(why))],
        rank: RANK_SETTLED,
    }
}

/// The image is let in by its name alone, which may come to mean another image.
pub(crate) fn unpinned(image: &ImageRef, why: &str) -> Reason {
    let details = vec![format!("{image} {}", plain(why))];
    Reason { policy: None, summary: "image could not be pinned to a digest".to_owned(), details, rank: RANK_SETTLED }
}

fn failed_policy(policy: &str, details: Vec<String>, rank: u8) -> Reason {
    let summary = format!("failed policy: {}", plain(policy));
    Reason { policy: Some(policy.to_owned()), summary, details, rank }
}

/// Before everything else that is warned of: it is over some day.
const RANK_REPRIEVED: u8 = 0;
/// What no signature could mend, or a wrong word of a trusted signer.
const RANK_SETTLED: u8 = 0;
/// A genuine word about the image that is no signature; among the ranks of faults, one that was nearly met.
const RANK_ATTESTATION: u8 = 2;
/// A genuine signature of somebody whom the authority does not name; among the ranks of faults, a stranger's.
const RANK_STRANGER: u8 = 3;
/// There is no signature.
const RANK_NOTHING: u8 = 9;
const MAX_HINTS: usize = 5;
const MAX_SIGNATURES: usize = 20;
