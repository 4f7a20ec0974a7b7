//! Services as cosign's `create` commands take them: `url=…,start-time=…`, one flag for each.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::exit::Failure;

/// What one flag says of a service.
pub(crate) struct Spec<'a> {
    flag: &'static str,
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Spec<'a> {
    /// Reads names and values. Each name is known and stands there once; a value may not hold a comma.
    pub(crate) fn parse(
        flag: &'static str,
        text: &'a str,
        required: &[&'static str],
        optional: &[&'static str],
    ) -> Result<Self, Failure> {
        let mut spec = Self { flag, values: Vec::new() };
        let known: Vec<&str> = required.iter().chain(optional).copied().collect();
        for pair in text.split(',') {
            let Some((name, value)) = pair.split_once('=').map(|(name, value)| (name.trim(), value.trim())) else {
                return Err(spec.wrong(format_args!("`{pair}` found, wanted a name and its value, as url=https://…")));
            };
            if !known.contains(&name) {
                return Err(spec.wrong(format_args!("`{name}` found, wanted one of {}", known.join(", "))));
            }
            if spec.values.iter().any(|(other, _)| *other == name) {
                return Err(spec.wrong(format_args!("`{name}` found twice, wanted once")));
            }
            spec.values.push((name, value));
        }
        match required.iter().find(|name| spec.optional(name).is_none()) {
            Some(name) => Err(spec.wrong(format_args!("`{name}` is missing or empty"))),
            None => Ok(spec),
        }
    }

    /// A value that every such service has.
    pub(crate) fn text(&self, name: &'static str) -> &'a str {
        self.optional(name).expect("what is required was found when this was read")
    }

    /// A value; an empty one is none.
    pub(crate) fn optional(&self, name: &str) -> Option<&'a str> {
        self.values.iter().find(|(found, _)| *found == name).map(|(_, value)| *value).filter(|value| !value.is_empty())
    }

    /// From when until when it is trusted; from this moment, if none is named.
    pub(crate) fn window(&self, from: Option<Timestamp>) -> Result<Value, Failure> {
        let time = |name| self.optional(name).map(|text| self.time(name, text)).transpose();
        let (start, end) = (time("start-time")?.or(from), time("end-time")?);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return Err(self.wrong(format_args!("end at {end} found, wanted one after the start at {start}")));
        }
        let member = |name: &str, at: Option<Timestamp>| at.map(|at| (name.to_owned(), written(at).into()));
        Ok(Value::Object(member("start", start).into_iter().chain(member("end", end)).collect::<Map<_, _>>()))
    }

    /// That something is wrong with it.
    pub(crate) fn wrong(&self, why: impl fmt::Display) -> Failure {
        Failure::failed(format_args!("{}: {why}", self.flag))
    }

    fn time(&self, name: &str, text: &str) -> Result<Timestamp, Failure> {
        let looks_right = text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b't'));
        let time = text.parse().ok().filter(|_| looks_right);
        time.ok_or_else(|| {
            self.wrong(format_args!("`{name}`: `{text}` found, wanted a time in RFC 3339, as 2024-01-01T00:00:00Z"))
        })
    }
}

/// A moment as Sigstore's files have it: UTC, with none, three, six or nine digits behind the second.
pub(crate) fn written(at: Timestamp) -> String {
    match at.subsec_nanosecond() {
        0 => format!("{at:.0}"),
        nanos if nanos % 1_000_000 == 0 => format!("{at:.3}"),
        nanos if nanos % 1_000 == 0 => format!("{at:.6}"),
        _ => format!("{at:.9}"),
    }
}

/// What is known of a service from elsewhere, its times written as [`written`] does. Its operator, as far as the format
/// that is being written has none, is left out by whoever calls.
pub(crate) fn with_times_as_written(mut window: Value) -> Value {
    for name in ["start", "end"] {
        if let Some(at) = window.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok()) {
            window[name] = written(at).into();
        }
    }
    window
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        let spec = Spec::parse("--rekor", text, &["url", "start-time"], &["end-time"]);
        spec.and_then(|spec| spec.window(None)).unwrap_err().message
    }

    #[test]
    fn names_are_known_and_stand_there_once() {
        assert_eq!(refused("url"), "--rekor: `url` found, wanted a name and its value, as url=https://…");
        assert_eq!(refused("a=b"), "--rekor: `a` found, wanted one of url, start-time, end-time");
        assert_eq!(refused("url=a,url=b"), "--rekor: `url` found twice, wanted once");
        assert_eq!(refused("url=a"), "--rekor: `start-time` is missing or empty");
        assert_eq!(refused("url=,start-time=2024-01-01T00:00:00Z"), "--rekor: `url` is missing or empty");
    }

    #[test]
    fn times_are_rfc_3339_and_in_order() {
        let wanted = "found, wanted a time in RFC 3339, as 2024-01-01T00:00:00Z";
        for time in ["2024-01-01", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "yesterday", "2024-13-01T00:00:00Z"] {
            assert_eq!(
                refused(&format!("url=a,start-time={time}")),
                format!("--rekor: `start-time`: `{time}` {wanted}")
            );
        }
        assert_eq!(
            refused("url=a,start-time=2024-01-01T00:00:00Z,end-time=2023-01-01T00:00:00Z"),
            "--rekor: end at 2023-01-01T00:00:00Z found, wanted one after the start at 2024-01-01T00:00:00Z"
        );
    }

    #[test]
    fn window_is_written_in_utc_with_thousandths() {
        let text = "url=a, start-time = 2024-01-01T00:00:00.5+01:00,end-time=2024-01-01T00:00:00.000001Z";
        let spec = Spec::parse("--rekor", text, &["url"], &["start-time", "end-time"]).unwrap();
        let wanted = json!({"start": "2023-12-31T23:00:00.500Z", "end": "2024-01-01T00:00:00.000001Z"});
        assert_eq!(spec.window(None).unwrap(), wanted);
        let known = json!({"start": "2021-01-12T11:53:27.000Z", "end": "2022-10-31T23:59:59.999Z"});
        let wanted = json!({"start": "2021-01-12T11:53:27Z", "end": "2022-10-31T23:59:59.999Z"});
        assert_eq!(with_times_as_written(known), wanted);
    }
}
