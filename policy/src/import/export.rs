//! Our policies as containers-policy.json(5), for hosts where Podman, Skopeo, Buildah or CRI-O pull.
//!
//! There the most specific scope decides, so that each scope is given what every policy about it asks. Nothing widens:
//! where a rule has no counterpart, the narrowest scope that holds all of its images rejects them. Signatures are
//! compared by repository there, which is stricter than here.

mod said;

use serde_json::{Map, Value, json};

use self::said::{Literal, beyond, clauses, lenient, said};
use super::{Remark, Unsaid, scope::Scope};
use crate::{
    Glob, NoMatch, Policy, PolicySet,
    model::{Authority, Requirement},
};

/// A `policy.json`, and what it leaves unsaid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The text of the file. It lets in no image of a registry that the policies refuse.
    pub text: String,
    /// What is worth knowing, though it is said in full.
    pub remarks: Vec<Remark>,
    /// What could not be said, and is rejected instead.
    pub unsaid: Vec<Unsaid>,
}

/// Exports these policies.
#[must_use]
pub fn container_policy(set: &PolicySet) -> Exported {
    let mut desk = Desk::default();
    let mut claims = Vec::new();
    for policy in set.policies() {
        let requirements = desk.requirements(policy);
        claims.extend(desk.scopes(policy).into_iter().map(|(scope, exact)| match exact {
            true => (scope, requirements.clone()),
            false => (scope, vec![reject()]),
        }));
    }
    match set.no_match() {
        NoMatch::Deny => {}
        NoMatch::Allow if claims.iter().any(|(scope, _)| *scope == Scope::Everything) => {}
        NoMatch::Allow => claims.push((Scope::Everything, vec![accept()])),
        NoMatch::Warn => desk.unsaid("no-match-policy", "`warn`", "nobody is warned there, so that it is rejected", ""),
    }
    let what = "images that come from no registry are rejected, since no policy is about them";
    desk.remark("default", what);
    Exported { text: text(&claims), remarks: desk.remarks, unsaid: desk.unsaid }
}

/// A scope, and what one policy asks of it.
type Claim = (Scope, Vec<Value>);

/// The file. Each scope has what is asked of it and of all that holds it.
fn text(claims: &[Claim]) -> String {
    let mut scopes: Vec<&Scope> = Vec::new();
    for (scope, _) in claims {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let mut docker = Map::new();
    // Whoever lets in what no policy names is overruled by any policy that names it.
    for scope in scopes {
        let about = claims.iter().filter(|(other, _)| other == scope || other.covers(scope));
        docker.insert(scope.to_string(), Value::Array(all(about.flat_map(|(_, requirements)| requirements))));
    }
    let policy = json!({"default": [reject()], "transports": {"docker": docker}});
    format!("{policy:#}\n")
}

/// All of these: one that rejects stands for them all, and one that accepts for nothing.
fn all<'a>(requirements: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for requirement in requirements {
        if *requirement == reject() {
            return vec![reject()];
        }
        if !all.contains(requirement) && *requirement != accept() {
            all.push(requirement.clone());
        }
    }
    if all.is_empty() { vec![accept()] } else { all }
}

fn reject() -> Value {
    json!({"type": "reject"})
}

fn accept() -> Value {
    json!({"type": "insecureAcceptAnything"})
}

/// What is told while policies are read.
#[derive(Debug, Default)]
struct Desk {
    remarks: Vec<Remark>,
    unsaid: Vec<Unsaid>,
}

impl Desk {
    fn unsaid(&mut self, place: &str, what: &str, why: &str, hint: &str) {
        let (place, what) = (place.to_owned(), what.to_owned());
        self.unsaid.push(Unsaid { place, what, why: why.to_owned(), hint: hint.to_owned() });
    }

    fn remark(&mut self, place: &str, what: &str) {
        let remark = Remark { place: place.to_owned(), what: what.to_owned() };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// What a policy asks of images that it is about.
    fn requirements(&mut self, policy: &Policy) -> Vec<Value> {
        let place = policy.name();
        if let Some((what, why)) = beyond(policy) {
            self.unsaid(place, what, &format!("{why}, so that its images are rejected"), "");
            return vec![reject()];
        }
        if let Some(unready) = &policy.unready {
            self.unsaid(place, "the policy", &format!("{unready}, so that its images are rejected"), "");
            return vec![reject()];
        }
        for (what, why) in lenient(policy) {
            self.unsaid(place, what, why, "");
        }
        let Some(clauses) = clauses(policy) else {
            let why =
                "it cannot be said in a few lists of keys that are all different, so that its images are rejected";
            self.unsaid(place, "`require`", why, "ask for all of its authorities, or for any one");
            return vec![reject()];
        };
        let literals: Vec<Literal> = policy.authorities.iter().map(|one| self.literal(place, one)).collect();
        all(clauses.iter().map(|clause| self.clause(place, clause, &literals)).collect::<Vec<_>>().iter())
    }

    /// One requirement: any one of these authorities.
    fn clause(&mut self, place: &str, clause: &[usize], literals: &[Literal]) -> Value {
        if clause.iter().any(|at| literals[*at] == Literal::Met) {
            return accept();
        }
        let mut keys: Vec<(&str, &Value)> = Vec::new();
        for at in clause {
            if let Literal::Key { pem, identity } = &literals[*at]
                && !keys.contains(&(pem, identity))
            {
                keys.push((pem, identity));
            }
        }
        let Some((_, identity)) = keys.first().copied() else { return reject() };
        if keys.iter().any(|(_, other)| *other != identity) {
            let why = "one requirement compares names in one way, so that its images are rejected";
            self.unsaid(place, "authorities with different `signedName`", why, "ask the same of all of them");
            return reject();
        }
        let what = "a signature must name the repository of the image and lie beside it as a `.sig` tag, and \
                    registries.d must say `use-sigstore-attachments: true`";
        self.remark(place, what);
        if identity["type"] == "remapIdentity" {
            self.remark(place, "where names are remapped, a signature must name the tag too, as cosign's do not");
        }
        let keys: Vec<&str> = keys.iter().map(|(pem, _)| *pem).collect();
        match keys.as_slice() {
            [key] => json!({"type": "sigstoreSigned", "keyData": key, "signedIdentity": identity}),
            several => {
                self.remark(place, "several keys are `keyDatas`, which containers/image reads from version 5.33 on");
                json!({"type": "sigstoreSigned", "keyDatas": several, "signedIdentity": identity})
            }
        }
    }

    /// What an authority is there. One that cannot be said is one way less to be met.
    fn literal(&mut self, policy: &str, authority: &Authority) -> Literal {
        let why = match &authority.requirement {
            Requirement::Pass => return Literal::Met,
            Requirement::Fail { .. } => return Literal::Unmet,
            Requirement::Signature(rule) => match said(rule) {
                Ok(key) => return key,
                Err(why) => why,
            },
            Requirement::Unsupported => "it has no counterpart",
        };
        let place = format!("{policy}: {}", authority.name);
        self.unsaid(&place, "an authority", &format!("{why}, so that it lets nothing in"), "sign with a key as well");
        Literal::Unmet
    }

    /// The scopes of a policy's images, and whether each holds nothing else.
    fn scopes(&mut self, policy: &Policy) -> Vec<(Scope, bool)> {
        let globs: Vec<&str> = policy.globs().iter().filter(|glob| !glob.never_matches()).map(Glob::as_str).collect();
        let mut scopes = Vec::new();
        for glob in &globs {
            let (scope, exact) = match exact(glob, &globs) {
                Some(scope) => (scope, true),
                None => (around(glob), false),
            };
            if !exact {
                let what = format!("`{glob}`");
                let why = format!("a scope holds all that lies below it, so that all of `{scope}` is rejected");
                self.unsaid(policy.name(), &what, &why, &way_out(glob));
            }
            if !scopes.contains(&(scope.clone(), exact)) {
                scopes.push((scope, exact));
            }
        }
        scopes
    }
}

/// The scope that holds what a glob matches, or it and another one of the policy, and nothing else.
fn exact(glob: &str, globs: &[&str]) -> Option<Scope> {
    let pair =
        |path: &str| globs.contains(&format!("{path}/**").as_str()) && globs.contains(&format!("{path}@*").as_str());
    let text = match glob.strip_suffix("/**").or_else(|| glob.strip_suffix("@*")) {
        None if glob == "**" => "",
        None => return None,
        Some(path) if path.contains('/') => Some(path).filter(|path| pair(path))?,
        Some(host) => Some(host).filter(|_| glob.ends_with("/**"))?,
    };
    Scope::parse(&theirs(text))
        .filter(|scope| matches!(scope, Scope::Everything | Scope::Subdomains(_) | Scope::Host(_) | Scope::Path(_)))
}

/// The narrowest scope that holds all that a glob matches.
fn around(glob: &str) -> Scope {
    let whole = if matches!(glob, "*" | "*/*") { "index.docker.io/" } else { glob };
    let fixed = whole.split('*').next().unwrap_or_default();
    let path = match fixed.split_once('@') {
        Some((repository, _)) => repository,
        None => fixed.rsplit_once('/').map_or("", |(above, _)| above),
    };
    match Scope::parse(&theirs(path)) {
        Some(scope @ (Scope::Host(_) | Scope::Path(_))) => scope,
        _ => Scope::Everything,
    }
}

/// How the glob could be written so that a scope says the same.
fn way_out(glob: &str) -> String {
    match glob.strip_suffix("/**").or_else(|| glob.strip_suffix("@*")).or_else(|| glob.strip_suffix("/*")) {
        Some(path) if path.contains('/') && !path.contains('*') => {
            format!("let the policy hold for `{path}@*` and `{path}/**`, which is what a scope says")
        }
        _ => "let the policy hold for a repository and all that lies below it".to_owned(),
    }
}

/// A place as it is called there.
fn theirs(text: &str) -> String {
    match text.strip_prefix("index.docker.io") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("docker.io{rest}"),
        _ => text.to_owned(),
    }
}
