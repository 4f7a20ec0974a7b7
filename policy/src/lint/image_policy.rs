//! What only an ImagePolicy says: what a door cannot know, what is over, and expressions.
//!
//! Who must sign, and who no longer may, is looked at beside this.

mod signers;

use std::time::Duration;

use rustls_pki_types::UnixTime;

use super::{
    Desk,
    languages::{self, has},
    rules::{
        ABSENT_DOORS, ENDED_WINDOW, EXPIRED, IDLE_EXPRESSION, LONG_REPRIEVE, NEEDS_ASKER, NEEDS_TAG, NO_VERIFIED_TIME,
        UNKNOWN_ASKER,
    },
};
use crate::{
    image_policy::{moment, span, written},
    object::Object,
    problem::excerpt,
};

/// Looks at everything that a ClusterImagePolicy does not have, at this time.
pub(super) fn look(desk: Desk<'_>, spec: &Object<'_>, now: UnixTime) {
    doors(desk, spec);
    asker(desk, spec);
    tags(desk, spec);
    for authority in desk.entries(spec, "authorities") {
        times(desk, &authority, now);
    }
    signers::look(desk, spec);
    reprieves(desk, spec, now);
    expressions(desk, spec);
}

/// Whether the policy counts at no other door, which alone knows who asks, where, and for which object.
pub(super) fn is_for_webhook_alone(spec: &Object<'_>) -> bool {
    let doors = spec.texts("doors");
    !doors.is_empty() && doors.iter().all(|door| door.value == "webhook")
}

fn doors(desk: Desk<'_>, spec: &Object<'_>) {
    let doors = spec.texts("doors");
    if !doors.is_empty() && doors.iter().all(|door| ABSENT.contains(&door.value)) {
        let message = "doors: this version has none of them, so that the policy is in force nowhere";
        let hint = "name `check`, `pull` or `webhook` as well, or leave `doors` away";
        desk.note(&ABSENT_DOORS, spec.at_field("doors"), message, hint);
    }
}

fn asker(desk: Desk<'_>, spec: &Object<'_>) {
    if is_for_webhook_alone(spec) {
        return;
    }
    for field in ["users", "namespaces"] {
        let message = format!("{field}: doors other than the webhook do not know them, and decide nothing it matches");
        desk.note_field(spec, field, &UNKNOWN_ASKER, &message, "write `doors: [webhook]`");
    }
    let message = "users: only the webhook knows who asks, so that this glass cannot be broken at other doors";
    let hint = "leave `users` away, or break the glass at the webhook alone";
    if let Some(glass) = spec.any_object("breakGlass") {
        desk.note_field(&glass, "users", &NEEDS_ASKER, message, hint);
    }
    for exception in desk.entries(spec, "exceptions") {
        let message = "namespaces: only the webhook knows them, so that this is no exception at other doors";
        desk.note_field(&exception, "namespaces", &NEEDS_ASKER, message, "name images or digests instead");
    }
}

fn tags(desk: Desk<'_>, spec: &Object<'_>) {
    let hint = "ask for images by tag and digest";
    for authority in desk.entries(spec, "authorities") {
        let message = "signedTag: what is asked for by its digest alone is refused";
        desk.note_field(&authority, "signedTag", &NEEDS_TAG, message, hint);
    }
    if let Some(index) = spec.text("index").filter(|index| index.value == "accepted") {
        let message = "index: what is asked for by its digest alone has no index whose signature could be accepted";
        desk.note(&NEEDS_TAG, index.at, message, hint);
    }
}

/// An authority whose times nothing can meet, or nothing any more.
fn times(desk: Desk<'_>, authority: &Object<'_>, now: UnixTime) {
    let vouched = ["keyless", "ctlog", "rfc3161timestamp"].iter().any(|field| authority.has(field));
    let (until, most) = (moment(authority, "validUntil"), span(authority, "maxAge"));
    if most.is_some() && !vouched {
        let message = "maxAge: nobody tells when a signature by this key was made, and so none meets it";
        let hint = "add `rfc3161timestamp` or `ctlog`, and sign with one";
        desk.note(&NO_VERIFIED_TIME, authority.at_field("maxAge"), message, hint);
    }
    // What was signed in time goes on to count, where it is known when that was and no age is asked for.
    let kept = if vouched { most.unwrap_or(Duration::MAX) } else { Duration::ZERO };
    let Some(until) = until.filter(|until| is_over(*until, kept, now)) else { return };
    let message = format!("validUntil: over since {}, and nothing meets it any more", written(until));
    let hint = match vouched {
        true => "take the authority away",
        false => "take the authority away; with `rfc3161timestamp`, what it signed in time goes on to count",
    };
    desk.note(&ENDED_WINDOW, authority.at_field("validUntil"), message, hint);
}

fn is_over(until: UnixTime, kept: Duration, now: UnixTime) -> bool {
    until.as_secs().saturating_add(kept.as_secs()) < now.as_secs()
}

fn reprieves(desk: Desk<'_>, spec: &Object<'_>, now: UnixTime) {
    let exceptions = desk.entries(spec, "exceptions").into_iter().map(|one| ("exception", one));
    for (what, one) in exceptions.chain(spec.any_object("breakGlass").map(|one| ("breakGlass", one))) {
        let Some(until) = moment(&one, "until") else { continue };
        if is_over(until, Duration::ZERO, now) {
            let message = format!("{what}: over since {}", written(until));
            desk.note(&EXPIRED, one.at_field("until"), message, "take it away");
        } else if until.as_secs() - now.as_secs() > LONG.as_secs() {
            let message = format!("{what}: until {}, which is more than a year from now", written(until));
            desk.note(&LONG_REPRIEVE, one.at_field("until"), message, "let it end sooner, and be looked at again");
        }
    }
}

fn expressions(desk: Desk<'_>, spec: &Object<'_>) {
    for text in desk.entries(spec, "expressions").iter().filter_map(|one| one.text("cel")) {
        if !EVIDENCE.iter().any(|name| has(text.value, name)) {
            let message = format!("`{}` looks at nothing of the image and of what is signed", excerpt(text.value));
            let hint = "it is the same for every image: ask for something in `image`, `signatures` or `attestations`";
            desk.note(&IDLE_EXPRESSION, text.at, message, hint);
        }
        languages::turned_around(desk, "cel", &text);
    }
}

/// Doors that policies can name already.
const ABSENT: [&str; 2] = ["host", "containerd"];
const EVIDENCE: [&str; 3] = ["image", "signatures", "attestations"];
const LONG: Duration = Duration::from_hours(24 * 366);
