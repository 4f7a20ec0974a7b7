//! A verdict in lines, for logs and people.

use policy::{Met, Verdict};

/// For an allowed image, who met which policy and what was warned of; for a refused one the reasons, most telling
/// first.
#[must_use]
pub fn lines(verdict: &Verdict) -> Vec<String> {
    let (met, objections) = match verdict {
        Verdict::Allow(approval) => (approval.met(), approval.warnings()),
        Verdict::Deny(denial) => (&[][..], denial.reasons()),
    };
    let objections =
        objections.iter().flat_map(|reason| reason.to_string().lines().map(str::to_owned).collect::<Vec<_>>());
    met.iter().map(met_line).chain(objections).collect()
}

fn met_line(met: &Met) -> String {
    let Met { policy, authority, signer, enforced: _ } = met;
    match signer {
        Some(signer) => format!("policy {policy}: signed by {signer} ({authority})"),
        None => format!("policy {policy}: no signature asked for ({authority})"),
    }
}
