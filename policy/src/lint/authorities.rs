//! Authorities that ask for less than they seem to, or for what only some doors have.

use super::{
    Desk, identities,
    objects::Kind,
    rules::{
        BESIDE_PASS, CA_CERT, DEFAULT_ROOT, HOST_SOURCE, IGNORES_SCT, INERT, LOG_BY_ROOT, NO_AUTHORITIES,
        NO_TRUSTED_TIME, PLAIN_HTTP, SHORT_PREDICATE, SIGNATURE_NOT_CHECKED, TWICE,
    },
};
use crate::{
    authority::{is_host, long_name},
    object::Object,
    problem::excerpt,
};

/// Looks at `authorities`.
pub(super) fn look(desk: Desk<'_>, spec: &Object<'_>, kind: Kind) {
    let authorities = desk.entries(spec, "authorities");
    if authorities.is_empty() {
        let message = "no authorities: whatever it matches is refused, also in `mode: warn`";
        desk.note(
            &NO_AUTHORITIES,
            spec.at_field("authorities"),
            message,
            "write `static: {action: fail}` if that is meant",
        );
    }
    let passes = |authority: &Object<'_>| action(authority) == Some("pass");
    // What is required may ask for others beside it.
    let lets_all_pass = authorities.iter().any(passes) && !spec.has("require");
    for authority in &authorities {
        if lets_all_pass && !passes(authority) {
            let message = "has no say: another authority of this policy lets everything pass";
            desk.note(&BESIDE_PASS, authority.at(), message, "one authority is enough; leave the `static: pass` away");
        }
        keyless(desk, authority, kind);
        fixed(desk, authority);
        log(desk, authority);
        source(desk, authority);
        attestations(desk, authority);
    }
}

fn action<'a>(authority: &Object<'a>) -> Option<&'a str> {
    Some(authority.any_object("static")?.text("action")?.value)
}

fn keyless(desk: Desk<'_>, authority: &Object<'_>, kind: Kind) {
    let Some(keyless) = authority.any_object("keyless") else { return };
    desk.entries(&keyless, "identities").iter().for_each(|identity| identities::look(desk, identity, kind));
    let message = "keyless.url changes no verdict: the trusted root says whose certificates count";
    desk.note_field(&keyless, "url", &INERT, message, "it can be left away");
    let message = "certificates given here vouch for nobody";
    desk.note_field(&keyless, "ca-cert", &CA_CERT, message, "make a TrustRoot of them, and name it in `trustRootRef`");
    if keyless.flag("insecureIgnoreSCT") {
        let message = "a certificate that was issued in secret counts as well";
        desk.note(
            &IGNORES_SCT,
            keyless.at_field("insecureIgnoreSCT"),
            message,
            "put the certificate log into the TrustRoot's `ctLogs`",
        );
    }
    match keyless.has("trustRootRef") {
        true if !authority.has("ctlog") && !authority.has("rfc3161timestamp") => {
            let message = "nothing proves when it was signed, and a short-lived certificate counts for minutes";
            desk.note(
                &NO_TRUSTED_TIME,
                keyless.at_field("trustRootRef"),
                message,
                "add `ctlog` or `rfc3161timestamp` with that trustRootRef",
            );
        }
        true => {}
        false => {
            let message = "no trustRootRef: the root counts that the door was given, or found by TUF";
            desk.note(
                &DEFAULT_ROOT,
                keyless.at(),
                message,
                "--trusted-root gives one; a trustRootRef makes the policy speak for itself",
            );
        }
    }
}

fn fixed(desk: Desk<'_>, authority: &Object<'_>) {
    let Some(fixed) = authority.any_object("static") else { return };
    if fixed.has("message") && action(authority) == Some("pass") {
        let message = "static.message changes nothing: it is for `action: fail`";
        desk.note(&INERT, fixed.at_field("message"), message, "write a comment instead");
    }
}

fn log(desk: Desk<'_>, authority: &Object<'_>) {
    let Some(log) = authority.any_object("ctlog") else { return };
    if let Some(url) = log.text("url").filter(|url| url.value.starts_with("http://")) {
        let message = format!("`{}` is a log whose address anybody on the way can answer for", excerpt(url.value));
        desk.note(&PLAIN_HTTP, url.at, message, "write https");
    }
    if log.has("trustRootRef") && !log.has("url") {
        let message =
            "an entry in this log is demanded; policy-controller loses that when it converts between versions";
        desk.note(
            &LOG_BY_ROOT,
            log.at_field("trustRootRef"),
            message,
            "add the log's `url` where policy-controller reads the file too",
        );
    }
    if authority.has("rfc3161timestamp") {
        let message = "a timestamp is demanded, and so no log entry is";
        desk.note(&INERT, authority.at_field("ctlog"), message, "leave `ctlog` or `rfc3161timestamp` away");
    }
}

fn source(desk: Desk<'_>, authority: &Object<'_>) {
    for source in desk.entries(authority, "source") {
        let host = source.text("oci").filter(|oci| is_host(oci.value));
        if let Some(host) = host {
            let message =
                format!("`{}` names no repository; policy-controller looks on Docker Hub", excerpt(host.value));
            desk.note(&HOST_SOURCE, host.at, message, "write host and repository");
        }
    }
}

fn attestations(desk: Desk<'_>, authority: &Object<'_>) {
    let attestations = desk.entries(authority, "attestations");
    if attestations.is_empty() {
        return;
    }
    let message = "attestations are asked for, and so no signature of the image itself is";
    let hint = "a second policy for the same images, without attestations, asks for it";
    desk.note(&SIGNATURE_NOT_CHECKED, authority.at_field("attestations"), message, hint);
    let mut names: Vec<&str> = Vec::new();
    for attestation in &attestations {
        if let Some(name) = attestation.text("name") {
            if names.contains(&name.value) {
                let message = format!(
                    "`{}` is the name of two attestations: in policy-controller one hides the other",
                    excerpt(name.value)
                );
                desk.note(&TWICE, name.at, message, "give each a name of its own");
            }
            names.push(name.value);
        }
        if let Some(kind) = attestation.text("predicateType").filter(|kind| !kind.value.contains(':')) {
            let message = format!("`{}` is no URI", excerpt(kind.value));
            desk.note(&SHORT_PREDICATE, kind.at, message, full(kind.value));
        }
    }
}

/// What a short name of a predicate type stands for.
fn full(short: &str) -> String {
    match long_name(short) {
        long if long == short => "write the whole predicate type".to_owned(),
        long => format!("write `{long}`"),
    }
}
