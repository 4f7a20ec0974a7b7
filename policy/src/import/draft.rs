//! One policy to be written: a ClusterImagePolicy where that is enough, else an ImagePolicy.

use serde_json::{Map, Value, json};

use super::{
    need::{Need, Signer},
    whole,
};

/// A policy about some images. Where nobody can meet it, it refuses everything.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    /// The field that says so, for messages.
    pub(super) place: &'a str,
    pub(super) name: &'a str,
    pub(super) globs: Vec<String>,
    pub(super) warn: bool,
    /// In which namespaces it counts; in all, where there is none.
    pub(super) namespaces: Vec<String>,
    pub(super) need: Need,
    /// What must be true beside that.
    pub(super) expressions: Vec<Expression>,
}

/// An expression in CEL, and what to say where it is not true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) cel: String,
    pub(super) message: String,
}

/// A policy as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) spec: Value,
    /// What of it no ClusterImagePolicy has.
    pub(super) own: Vec<&'static str>,
}

/// The authority that lets everything pass.
pub(super) fn pass() -> Value {
    json!({"static": {"action": "pass"}})
}

/// The authority that refuses everything, and says why.
pub(super) fn fail(message: &str) -> Value {
    json!({"static": {"action": "fail", "message": message}})
}

impl<'a> Draft<'a> {
    /// A policy that enforces, in all namespaces.
    pub(super) fn new(place: &'a str, name: &'a str, globs: Vec<String>, need: Need) -> Self {
        Self { place, name, globs, warn: false, namespaces: Vec::new(), need, expressions: Vec::new() }
    }

    /// The same in policies that are as simple as can be: all of them must be met.
    pub(super) fn parts(self) -> Vec<Self> {
        match self.need.clone().simple() {
            Need::All(parts) if parts.iter().all(|part| part.ways().is_some()) => {
                parts.into_iter().map(|need| Self { need, ..self.clone() }).collect()
            }
            need => vec![Self { need, ..self }],
        }
    }

    /// The policy, or why its need cannot be said. The need is a simple one.
    pub(super) fn written(&self) -> Result<Written, String> {
        let signers = self.need.signers();
        let asks = !matches!(self.need, Need::Nobody) && self.need.ways().is_none();
        let beside = self.expressions.iter().filter(|_| !signers.is_empty()).cloned();
        let expressions: Vec<Expression> = beside.chain(annotated(&signers)).collect();
        let named = signers.iter().any(|signer| signer.authority.get("signedName").is_some());
        let own = [
            ("`signedName`", named),
            ("`require`", asks),
            ("`namespaces`", !self.namespaces.is_empty()),
            ("`expressions`", !expressions.is_empty()),
        ];
        let own: Vec<&'static str> = own.into_iter().filter_map(|(name, used)| used.then_some(name)).collect();
        let mut authorities: Vec<Value> = signers.iter().map(|signer| signer.authority.clone()).collect();
        if !own.is_empty() {
            for (at, authority) in authorities.iter_mut().enumerate() {
                authority["name"] = json!(name(at, &signers));
                whole::identities(authority)?;
            }
        }
        let require = asks.then(|| require(&self.need, &signers)).transpose()?;
        Ok(Written { spec: self.spec(authorities, require, &expressions), own })
    }

    fn spec(&self, authorities: Vec<Value>, require: Option<Value>, expressions: &[Expression]) -> Value {
        let images: Vec<Value> = self.globs.iter().map(|glob| json!({"glob": glob})).collect();
        let mut spec = Map::from_iter([("images".to_owned(), Value::Array(images))]);
        if !self.namespaces.is_empty() {
            spec.insert("namespaces".to_owned(), json!(self.namespaces));
        }
        if self.warn {
            spec.insert("mode".to_owned(), json!("warn"));
        }
        let authorities = if authorities.is_empty() { vec![fail(UNSAYABLE)] } else { authorities };
        spec.insert("authorities".to_owned(), Value::Array(authorities));
        spec.extend(require.map(|require| ("require".to_owned(), require)));
        if !expressions.is_empty() {
            let entry = |one: &Expression| json!({"cel": one.cel, "message": one.message});
            spec.insert("expressions".to_owned(), expressions.iter().map(entry).collect());
        }
        Value::Object(spec)
    }
}

/// The name of the signer at this place.
fn name(at: usize, signers: &[&Signer]) -> String {
    let own = signers[at].authority.get("name").and_then(Value::as_str).map(str::to_owned);
    own.unwrap_or_else(|| format!("signer-{}", at + 1))
}

fn require(need: &Need, signers: &[&Signer]) -> Result<Value, String> {
    if need.depth() > MAX_DEPTH {
        return Err(format!("more than {MAX_DEPTH} levels of signers cannot be asked for"));
    }
    let named = |signer: &Signer| {
        let at = signers.iter().position(|other| *other == signer).expect("all signers of the need are among them");
        json!(name(at, signers))
    };
    let all = |parts: &[Need]| parts.iter().map(|part| require(part, signers)).collect::<Result<Value, _>>();
    Ok(match need {
        Need::Nobody => return Err("nobody can meet it".to_owned()),
        Need::One(signer) => json!({"authority": named(signer)}),
        Need::All(parts) => json!({"allOf": all(parts)?}),
        Need::Any(parts) => json!({"anyOf": all(parts)?}),
        Need::AtLeast(_, signers) if signers.len() > MAX_MEMBERS => {
            return Err(format!("more than {MAX_MEMBERS} signers cannot be counted"));
        }
        Need::AtLeast(min, signers) => {
            json!({"threshold": {"min": min, "of": signers.iter().map(named).collect::<Vec<_>>()}})
        }
    })
}

/// Expressions that all signatures by whom this is asked have their annotations.
fn annotated(signers: &[&Signer]) -> Vec<Expression> {
    let asked = signers.iter().enumerate().filter(|(_, signer)| !signer.annotations.is_empty());
    let expression = |(at, signer): (usize, &&Signer)| {
        let entry = |(key, value): (&String, &String)| format!("s.annotations[{}] == {}", json!(key), json!(value));
        let entries = signer.annotations.iter().map(entry).collect::<Vec<_>>().join(" && ");
        let cel = match signers.len() {
            1 => format!("signatures.all(s, {entries})"),
            _ => format!("signatures.all(s, !({} in s.authorities) || ({entries}))", json!(name(at, signers))),
        };
        let pairs: Vec<String> = signer.annotations.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Expression { cel, message: format!("every signature must have the annotations {}", pairs.join(", ")) }
    };
    asked.map(expression).collect()
}

const UNSAYABLE: &str = "its rule could not be imported, see the notes above";
/// Of what ImagePolicy reads in `require`.
const MAX_DEPTH: usize = 8;
const MAX_MEMBERS: usize = 64;
