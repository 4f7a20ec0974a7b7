//! Who made a signature, when, and which logs hold it: what was verified, for people and for programs.

use serde_json::{Map, Value, json};
use verifier::{Clock, Identity, Proofs, Signer, VerifiedTime};

/// cosign's summary, in its words, and only what was checked of every one of these.
pub(super) fn summary(typed: &str, annotations: bool, good: &[(&Signer, &Proofs)]) -> Vec<String> {
    let all = |has: fn(&Signer, &Proofs) -> bool| good.iter().all(|(signer, proofs)| has(signer, proofs));
    let checks = [
        (annotations, "The specified annotations were verified."),
        (true, "The cosign claims were validated"),
        (
            all(|_, proofs| !proofs.log_entries().is_empty()),
            "Existence of the claims in the transparency log was verified offline",
        ),
        (
            all(|signer, _| matches!(signer, Signer::Key(_))),
            "The signatures were verified against the specified public key",
        ),
        (
            all(|signer, _| matches!(signer, Signer::Identity(_))),
            "The code-signing certificate was verified using trusted certificate authority certificates",
        ),
    ];
    let performed = checks.into_iter().filter(|(performed, _)| *performed).map(|(_, check)| format!("  - {check}"));
    let title = "The following checks were performed on each of these signatures:".to_owned();
    [format!("\nVerification for {typed} --"), title].into_iter().chain(performed).collect()
}

/// For people: a line for each fact.
pub(super) fn lines(signer: &Signer, proofs: &Proofs) -> Vec<String> {
    let mut lines = vec![format!("Signed by {signer}:")];
    if proofs.times().is_empty() {
        lines.push("  - at a time that nobody who is trusted vouches for".to_owned());
    }
    for time in proofs.times() {
        lines.push(format!("  - at {} at the latest, by {}", at(time.at), clock(time, proofs)));
    }
    for entry in proofs.log_entries() {
        let held = if entry.included { "included in" } else { "promised to be in" };
        lines.push(format!("  - {held} log {} at index {}", entry.log, entry.index));
    }
    lines.extend(proofs.set_aside().iter().map(|aside| format!("  - counts for nothing: {aside}")));
    lines
}

/// For programs: the same as members of an object.
pub(super) fn members(signer: &Signer, proofs: &Proofs) -> Map<String, Value> {
    let times = proofs.times().into_iter();
    let value = json!({
        "signer": signer,
        "issuer": identity(signer).and_then(Identity::issuer),
        "times": times.map(|time| json!({ "at": at(time.at), "clock": clock(time, proofs) })).collect::<Vec<_>>(),
        "logs": proofs.log_entries(),
        "certificate-logs": proofs.certificate_logs(),
        "set-aside": proofs.set_aside(),
        "not-examined": proofs.unexamined(),
    });
    let Value::Object(members) = value else { unreachable!("it is written as an object") };
    members
}

/// Whom a certificate named, if one did.
pub(super) fn identity(signer: &Signer) -> Option<&Identity> {
    match signer {
        Signer::Identity(identity) => Some(identity),
        Signer::Key(_) => None,
    }
}

/// A moment in seconds since 1970, as RFC 3339 has it.
pub(super) fn at(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    moment.map_or_else(|| format!("{seconds} s after 1970"), |moment| moment.to_string())
}

/// Whose word a time is: a log by its name.
fn clock(time: VerifiedTime, proofs: &Proofs) -> String {
    match time.clock {
        Clock::Authority(root) => format!("timestamp authority {root}"),
        Clock::Log(key) => {
            let name = proofs.log_entries().iter().find(|entry| entry.key == key).map(|entry| entry.log.as_str());
            match name.filter(|name| !name.is_empty()) {
                Some(name) => format!("log {name}"),
                None => format!("log {key}"),
            }
        }
    }
}
