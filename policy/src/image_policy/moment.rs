//! Times and spans of time as policies write them: `2026-01-01T00:00:00Z`, `90d`.

use std::{fmt, time::Duration};

use der::DateTime;
use rustls_pki_types::UnixTime;

use crate::object::{Object, Text};

/// The time in a field, where there is one.
pub(crate) fn moment(object: &Object<'_>, name: &str) -> Option<UnixTime> {
    object.refuse_empty(name);
    parsed_moment(&object.text(name)?)
}

/// The time in a field that must be there.
pub(crate) fn required_moment(object: &Object<'_>, name: &str) -> Option<UnixTime> {
    parsed_moment(&object.required_text(name)?)
}

/// RFC 3339 in UTC, to the second.
fn parsed_moment(text: &Text<'_>) -> Option<UnixTime> {
    let parsed = text.value.parse::<DateTime>().ok();
    text.expect(parsed.is_some(), "a time in UTC such as 2026-01-01T00:00:00Z");
    parsed.map(|time| UnixTime::since_unix_epoch(time.unix_duration()))
}

/// The span of time in a field, where there is one: at least a second.
pub(crate) fn span(object: &Object<'_>, name: &str) -> Option<Duration> {
    object.refuse_empty(name);
    let text = object.text(name)?;
    let seconds = seconds(text.value);
    text.expect(seconds.is_some(), "a span of time such as 90d, 12h, 30m or 45s");
    seconds.map(Duration::from_secs)
}

fn seconds(text: &str) -> Option<u64> {
    let (unit, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit))?;
    let digits = text.strip_suffix(*unit)?;
    let number = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<u64>().ok()?;
    number.checked_mul(*factor).filter(|seconds| *seconds > 0)
}

/// A time as people read it: RFC 3339 in UTC.
pub(crate) fn written(time: UnixTime) -> String {
    let date = DateTime::from_unix_duration(Duration::from_secs(time.as_secs()));
    date.map_or_else(|_| format!("second {}", time.as_secs()), |date| date.to_string())
}

/// A span of time as a policy would write it: in the largest unit that leaves nothing over.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, factor) =
            UNITS.iter().rev().find(|(_, factor)| seconds.is_multiple_of(*factor)).unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", seconds / factor)
    }
}

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_number_and_one_unit() {
        for (text, want) in [("45s", 45), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000)] {
            assert_eq!(seconds(text), Some(want), "{text}");
            assert_eq!(Span(Duration::from_secs(want)).to_string(), text);
        }
        for text in ["", "d", "0d", "90", "1d12h", "-1d", "+1d", "1.5d", "1w", " 1d", "99999999999999999999d"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(seconds(&format!("{}d", u64::MAX)), None, "more seconds than can be counted");
    }

    #[test]
    fn odd_spans_are_shown_in_smaller_units() {
        assert_eq!(Span(Duration::from_secs(90_000)).to_string(), "25h");
        assert_eq!(Span(Duration::from_secs(61)).to_string(), "61s");
    }
}
