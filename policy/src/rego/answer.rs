//! What a policy's answer means, to the letter of cosign's contracts.

use regorus::Value;

use super::RegoQuery;
use super::error::RegoDenial;
use super::input::excerpt;

/// Whether the value of the rule that was asked for lets pass.
pub(super) fn judge(query: RegoQuery, answer: &Value) -> Result<(), RegoDenial> {
    match (query, answer) {
        (_, Value::Bool(true)) => Ok(()),
        (RegoQuery::Allow, Value::Undefined) => Err(RegoDenial::Undefined { query: query.text() }),
        (RegoQuery::Allow, Value::String(text)) => Err(RegoDenial::NotTrue { value: excerpt(text) }),
        (RegoQuery::Allow, other) => Err(RegoDenial::NotTrue { value: excerpt(&other.to_string()) }),
        (RegoQuery::IsCompliant, Value::Array(results)) => first_that_complies(query, results.iter()),
        (RegoQuery::IsCompliant, Value::Set(results)) => first_that_complies(query, results.iter_sorted()),
        (RegoQuery::IsCompliant, _) => Err(RegoDenial::NotCompliant { query: query.text() }),
    }
}

/// The extended form: a list of objects. The first whose result is true decides, the last one speaks for the rest.
fn first_that_complies<'a>(query: RegoQuery, results: impl Iterator<Item = &'a Value>) -> Result<(), RegoDenial> {
    let mut last = RegoDenial::Silent { query: query.text() };
    for result in results {
        let result = Outcome::read(query, result)?;
        if result.complies {
            return if result.warning.is_empty() { Ok(()) } else { Err(RegoDenial::Warning(excerpt(&result.warning))) };
        }
        last = RegoDenial::Errors { query: query.text(), error: excerpt(&result.error) };
    }
    Err(last)
}

#[derive(Default)]
struct Outcome {
    complies: bool,
    error: String,
    warning: String,
}

impl Outcome {
    /// Reads names without regard to case, and null as if it were absent, as Go does.
    fn read(query: RegoQuery, value: &Value) -> Result<Outcome, RegoDenial> {
        let malformed = |field| RegoDenial::Malformed { query: query.text(), field };
        let fields = value.as_object().map_err(|_| malformed("the result"))?;
        let mut outcome = Outcome::default();
        for (name, value) in fields.iter_sorted().filter(|(_, value)| **value != Value::Null) {
            let name = name.as_string().map_or("", |name| name.as_ref());
            if name.eq_ignore_ascii_case("result") {
                outcome.complies = *value.as_bool().map_err(|_| malformed("result"))?;
            } else if name.eq_ignore_ascii_case("error") {
                outcome.error = value.as_string().map_err(|_| malformed("error"))?.to_string();
            } else if name.eq_ignore_ascii_case("warning") {
                outcome.warning = value.as_string().map_err(|_| malformed("warning"))?.to_string();
            }
        }
        Ok(outcome)
    }
}
