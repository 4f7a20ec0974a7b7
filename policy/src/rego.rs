//! Policies in Rego, as cosign and policy-controller read them.
//!
//! The text is reviewed before it is taken: it may call only functions whose answer follows from their arguments, and
//! every place where a value could grow is given a counter. What is evaluated is the text with those counters.

mod answer;
mod edits;
mod error;
mod format;
mod functions;
mod input;
mod measure;
mod meter;
mod negation;
mod own;
mod patterns;
mod review;
mod shape;
mod time;
mod tree;

use std::fmt;

use regorus::{Engine, PolicyLengthConfig, Value};

pub use error::{RegoBound, RegoDenial, RegoError};
use review::Review;
use shape::Shape;

/// A policy in Rego that can be evaluated.
///
/// Of Rego's two versions it is the older one, in which rules need no `if`, as policy-controller and cosign have it;
/// a policy that imports `rego.v1` is of the newer one.
#[derive(Clone)]
pub struct RegoPolicy {
    engine: Engine,
    query: RegoQuery,
}

/// What a policy in Rego is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegoQuery {
    /// `data.sigstore.isCompliant`, of a ClusterImagePolicy.
    IsCompliant,
    /// `data.signature.allow`, of `cosign verify-attestation --policy`.
    Allow,
}

impl RegoQuery {
    /// The query as OPA is given it, and as messages quote it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            RegoQuery::IsCompliant => "isCompliant = data.sigstore.isCompliant",
            RegoQuery::Allow => "data.signature.allow",
        }
    }

    fn rule(self) -> &'static str {
        match self {
            RegoQuery::IsCompliant => "data.sigstore.isCompliant",
            RegoQuery::Allow => "data.signature.allow",
        }
    }
}

impl RegoPolicy {
    /// Reads the policy of a ClusterImagePolicy: package `sigstore`, rule `isCompliant`.
    pub fn parse(text: &str) -> Result<RegoPolicy, RegoError> {
        RegoPolicy::parse_for(text, RegoQuery::IsCompliant)
    }

    /// Reads a policy that is to answer another query.
    pub fn parse_for(text: &str, query: RegoQuery) -> Result<RegoPolicy, RegoError> {
        if text.len() > MOST_TEXT {
            return Err(RegoError::TooLong { bytes: text.len(), most: MOST_TEXT });
        }
        let shape = Shape::of(text)?;
        let engine =
            reviewed(&shape, query).map_err(|error| error.moved(|line, column| shape.original(line, column)))?;
        Ok(RegoPolicy { engine, query })
    }

    /// Asks the policy about a document. Whatever is not a clear yes is a denial, and so is a yes with a warning.
    ///
    /// The answer follows from the policy and the document alone.
    pub fn check(&self, input: &serde_json::Value) -> Result<(), RegoDenial> {
        let input = input::value(input).map_err(RegoDenial::Bound)?;
        let mut engine = self.engine.clone();
        engine.set_input(input);
        match meter::metered(|| engine.eval_rule(self.query.rule().to_owned())) {
            (_, Some(bound)) => Err(RegoDenial::Bound(bound)),
            (Err(error), None) => Err(input::failure(&error)),
            (Ok(answer), None) => self.judge(&answer),
        }
    }

    fn judge(&self, answer: &Value) -> Result<(), RegoDenial> {
        measure::weigh(std::slice::from_ref(answer)).map_err(RegoDenial::Bound)?;
        answer::judge(self.query, answer)
    }
}

impl fmt::Debug for RegoPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegoPolicy").field("query", &self.query).finish_non_exhaustive()
    }
}

/// What evaluates the text with counters.
fn reviewed(shape: &Shape, query: RegoQuery) -> Result<Engine, RegoError> {
    let mut original = engine(&shape.text)?;
    let modules = original.get_modules();
    let module = modules.first().ok_or(RegoError::NoRule { wanted: query.rule() })?;
    let counted = Review::of(module, shape)?.counted(query.rule())?;
    // The original too, since its errors are where the author looks for them.
    prepare(&mut original, query)?;
    let mut engine = engine(&counted)?;
    prepare(&mut engine, query)?;
    Ok(engine)
}

fn engine(text: &str) -> Result<Engine, RegoError> {
    let mut engine = Engine::new();
    engine.set_rego_v0(true);
    engine.set_strict_builtin_errors(false);
    engine.set_policy_length_config(LENGTHS);
    engine.set_execution_timer_config(meter::bounds().ok_or(RegoError::Unbounded)?);
    functions::guard(&mut engine).map_err(|error| input::syntax(&error))?;
    engine.add_policy("policy.rego".to_owned(), text.to_owned()).map_err(|error| input::syntax(&error))?;
    Ok(engine)
}

/// Makes it ready, so that no later evaluation has to, and finds what only then is found.
fn prepare(engine: &mut Engine, query: RegoQuery) -> Result<(), RegoError> {
    let prepared = engine.compile_with_entrypoint(&query.rule().into());
    prepared.map(|_| ()).map_err(|error| input::syntax(&error))
}

/// What policy-controller would take has no bound; this is a hundred times the longest that anyone wrote.
const MOST_TEXT: usize = 256 << 10;

/// The counted text is longer than the original, but not more than a small multiple.
const LENGTHS: PolicyLengthConfig = {
    let most = std::num::NonZeroUsize::new(16 * MOST_TEXT).expect("not zero");
    let columns = std::num::NonZeroU32::new(16 << 18).expect("not zero");
    PolicyLengthConfig { max_col: columns, max_file_bytes: most, max_lines: most }
};
