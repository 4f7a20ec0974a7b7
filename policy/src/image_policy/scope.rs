//! At which doors, for whom and in which namespaces a policy counts.
//!
//! A policy that is not for this door is as if it were not there. What a door does not know at all is another matter:
//! a policy that asks for it can neither be applied nor left out.

use std::fmt;

use super::names::Names;
use crate::{
    object::{Object, Text},
    problem::Objection,
};

/// A door of the gate, as policies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// A check in a pipeline.
    Check,
    /// `sealgate pull`.
    Pull,
    /// The API server of Kubernetes.
    Webhook,
    /// A Docker host.
    Host,
    /// A containerd node.
    Containerd,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Check, Self::Pull, Self::Webhook, Self::Host, Self::Containerd];

    /// The door's name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Pull => "pull",
            Self::Webhook => "webhook",
            Self::Host => "host",
            Self::Containerd => "containerd",
        }
    }
}

/// Who asks for an image, and where, as far as the door knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The door.
    pub door: Door,
    /// Who asks; nothing where the door does not know.
    pub user: Option<String>,
    /// The namespace that the image is to run in; nothing where the door does not know.
    pub namespace: Option<String>,
}

/// For which askers a policy counts: everybody, where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    doors: Option<Vec<Door>>,
    users: Option<Names>,
    namespaces: Option<Names>,
}

/// Whether a policy counts for an asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Counts,
    CountsNot,
    /// That depends on what the door does not know.
    Unknown(Unknown),
}

/// What a door does not know of an asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// The Kubernetes object: `match`, or a condition that looks into it.
    Object,
    /// Who asks: `users`.
    User,
    /// The namespace: `namespaces`.
    Namespace,
}

impl Scope {
    /// Reads `doors`, `users` and `namespaces`.
    pub(crate) fn read(spec: &Object<'_>) -> Self {
        let (users, namespaces) = (Names::read(spec, "users"), Names::read(spec, "namespaces"));
        Self { doors: doors(spec), users, namespaces }
    }

    /// Whether it matters who asks.
    pub(crate) fn asks_who(&self) -> bool {
        self.users.is_some()
    }

    /// Whether the policy counts for this asker. What is known to be otherwise settles it, whatever else is unknown.
    pub(crate) fn of(&self, asker: &Asker) -> Standing {
        let door = self.doors.as_ref().is_none_or(|doors| doors.contains(&asker.door));
        let user = known(self.users.as_ref(), asker.user.as_deref());
        let namespace = known(self.namespaces.as_ref(), asker.namespace.as_deref());
        match (door, user, namespace) {
            (false, ..) | (_, Some(false), _) | (_, _, Some(false)) => Standing::CountsNot,
            (true, None, _) => Standing::Unknown(Unknown::User),
            (true, _, None) => Standing::Unknown(Unknown::Namespace),
            (true, Some(true), Some(true)) => Standing::Counts,
        }
    }
}

/// Whether a name is wanted, or nothing where that cannot be told.
fn known(wanted: Option<&Names>, name: Option<&str>) -> Option<bool> {
    wanted.map_or(Some(true), |wanted| name.map(|name| wanted.include(name)))
}

fn doors(spec: &Object<'_>) -> Option<Vec<Door>> {
    if !spec.has("doors") {
        return None;
    }
    let texts = spec.texts("doors");
    if !spec.given("doors") {
        spec.object_to(spec.at_field("doors"), Objection::Missing { paths: vec![spec.path_of("doors")] });
    }
    let door = |text: &Text<'_>| {
        let door = Door::ALL.into_iter().find(|door| door.name() == text.value);
        text.expect(door.is_some(), "check, pull, webhook, host or containerd");
        door
    };
    Some(texts.iter().filter_map(door).collect())
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "`match` or `policy` asks which object the image runs in, and nobody said that here",
            Self::User => "`users` asks who wants the image, and nobody said that here",
            Self::Namespace => "`namespaces` asks where the image is to run, and nobody said that here",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{problem::Problems, yaml::documents};

    fn scope(text: &str) -> (Scope, usize) {
        let problems = Problems::default();
        let nodes = documents(text, &problems);
        let scope = Scope::read(&Object::open_any(&nodes[0], String::new(), &problems));
        (scope, problems.take().len())
    }

    fn asker(door: Door, user: Option<&str>, namespace: Option<&str>) -> Asker {
        Asker { door, user: user.map(str::to_owned), namespace: namespace.map(str::to_owned) }
    }

    #[test]
    fn silent_policy_counts_for_everybody_known_or_not() {
        assert_eq!(scope("{}").0.of(&asker(Door::Pull, None, None)), Standing::Counts);
        assert_eq!(scope("{}").0, Scope::default());
    }

    #[test]
    fn policy_counts_only_at_its_doors() {
        let (only, problems) = scope("doors: [check, webhook]");
        assert_eq!(problems, 0);
        for door in Door::ALL {
            let counts = matches!(door, Door::Check | Door::Webhook);
            let wanted = if counts { Standing::Counts } else { Standing::CountsNot };
            assert_eq!(only.of(&asker(door, None, None)), wanted, "{door:?}");
        }
    }

    #[test]
    fn what_a_door_does_not_know_is_neither_yes_nor_no() {
        let users = scope("users: [ci-*]").0;
        assert_eq!(users.of(&asker(Door::Check, Some("ci-build"), None)), Standing::Counts);
        assert_eq!(users.of(&asker(Door::Check, Some("ann"), None)), Standing::CountsNot);
        assert_eq!(users.of(&asker(Door::Check, None, None)), Standing::Unknown(Unknown::User));
        let spaces = scope("namespaces: [prod, prod-*]").0;
        assert_eq!(spaces.of(&asker(Door::Webhook, None, Some("prod-eu"))), Standing::Counts);
        assert_eq!(spaces.of(&asker(Door::Webhook, None, Some("dev"))), Standing::CountsNot);
        assert_eq!(spaces.of(&asker(Door::Pull, None, None)), Standing::Unknown(Unknown::Namespace));
    }

    #[test]
    fn one_certain_no_settles_it() {
        let both = scope("{users: [ci], namespaces: [prod], doors: [webhook]}").0;
        assert_eq!(both.of(&asker(Door::Pull, None, None)), Standing::CountsNot);
        assert_eq!(both.of(&asker(Door::Webhook, None, Some("dev"))), Standing::CountsNot);
        assert_eq!(both.of(&asker(Door::Webhook, Some("ann"), None)), Standing::CountsNot);
        assert_eq!(both.of(&asker(Door::Webhook, Some("ci"), Some("prod"))), Standing::Counts);
    }

    #[test]
    fn empty_lists_and_unknown_doors_are_refused() {
        for text in ["doors: []", "users: []", "namespaces: []", "doors: [kitchen]", "users: ['']", "users: [1]"] {
            assert_eq!(scope(text).1, 1, "{text}");
        }
    }
}
