//! Who must have signed: thresholds that ask for less or more than they seem to, and signers who are trusted and
//! revoked at once.

use keys::PublicKey;

use super::super::{
    Desk,
    rules::{REVOKED_AUTHORITY, SAME_KEY, THRESHOLD_OF_ALL, THRESHOLD_OF_ONE},
};
use crate::{object::Object, problem::excerpt};

/// Looks at `require` and `revoked`.
pub(super) fn look(desk: Desk<'_>, spec: &Object<'_>) {
    let authorities: Vec<Signer<'_>> = desk
        .entries(spec, "authorities")
        .into_iter()
        .enumerate()
        .map(|(place, one)| Signer::read(place, one))
        .collect();
    if let Some(require) = spec.any_object("require") {
        required(desk, &require, &authorities);
    }
    if let Some(revoked) = spec.any_object("revoked") {
        authorities.iter().for_each(|one| one.look(desk, &revoked));
    }
}

/// An authority, as thresholds count it.
struct Signer<'a> {
    entry: Object<'a>,
    name: String,
    key: Option<String>,
}

impl<'a> Signer<'a> {
    fn read(place: usize, entry: Object<'a>) -> Self {
        let name = entry.text("name").map_or_else(|| format!("authority-{place}"), |text| text.value.to_owned());
        let data = entry.any_object("key").and_then(|key| key.text("data"));
        let key = data.and_then(|data| PublicKey::from_pem(data.value.as_bytes()).ok()).map(|key| key.id().to_string());
        Self { entry, name, key }
    }

    fn identities(&self, desk: Desk<'a>) -> Vec<Object<'a>> {
        self.entry.any_object("keyless").map(|keyless| desk.entries(&keyless, "identities")).unwrap_or_default()
    }

    /// Whether its key, or one of its identities word by word, is among those that are revoked.
    fn look(&self, desk: Desk<'a>, revoked: &Object<'a>) {
        let hint = "take away the one or the other";
        let keys = revoked.texts("keys");
        if self.key.as_ref().is_some_and(|id| keys.iter().any(|text| text.value.eq_ignore_ascii_case(id))) {
            let message = format!("the key of `{}` is revoked by this policy: nothing meets it", excerpt(&self.name));
            desk.note(&REVOKED_AUTHORITY, self.entry.at(), message, hint);
        }
        let gone: Vec<_> = desk.entries(revoked, "identities").iter().map(words).collect();
        for identity in self.identities(desk).iter().filter(|one| gone.contains(&words(one))) {
            let message = format!("this identity of `{}` is revoked by this policy", excerpt(&self.name));
            desk.note(&REVOKED_AUTHORITY, identity.at(), message, hint);
        }
    }
}

fn words(identity: &Object<'_>) -> [Option<String>; 4] {
    IDENTITY.map(|field| identity.text(field).map(|text| text.value.to_owned()))
}

fn required<'a>(desk: Desk<'a>, require: &Object<'a>, authorities: &[Signer<'a>]) {
    for list in ["allOf", "anyOf"] {
        desk.entries(require, list).iter().for_each(|one| required(desk, one, authorities));
    }
    let Some(threshold) = require.any_object("threshold") else { return };
    let of = threshold.texts("of");
    let named = |name: &str| authorities.iter().find(|one| one.name == name);
    let team = threshold.text("ofIdentities").and_then(|text| named(text.value));
    let count = team.map_or(of.len(), |team| team.identities(desk).len());
    match threshold.required_number("min").and_then(|min| usize::try_from(min).ok()) {
        Some(1) => {
            let message = format!("min: 1 of {count}, which is met by any one");
            desk.note(&THRESHOLD_OF_ONE, threshold.at_field("min"), message, "write a greater number, or `anyOf`");
        }
        Some(min) if min == count => {
            let message = format!("min: all {count} are needed, so that nothing can be released while one is lost");
            desk.note(&THRESHOLD_OF_ALL, threshold.at_field("min"), message, "add one more that may stand in");
        }
        _ => {}
    }
    let members: Vec<_> = of.iter().filter_map(|text| Some((text, named(text.value)?.key.as_ref()?))).collect();
    for (place, (text, key)) in members.iter().enumerate() {
        if let Some((earlier, _)) = members[..place].iter().find(|(_, other)| other == key) {
            let (one, other) = (excerpt(text.value), excerpt(earlier.value));
            let message = format!("`{one}` has the key of `{other}`: together they count as one signer");
            desk.note(&SAME_KEY, text.at, message, "give each a key of its own");
        }
    }
}

const IDENTITY: [&str; 4] = ["issuer", "issuerRegExp", "subject", "subjectRegExp"];
