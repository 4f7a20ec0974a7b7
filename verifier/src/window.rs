//! Windows of validity, closed at both ends, and the moments in them.

use std::fmt;

use der::DateTime;
use rustls_pki_types::UnixTime;

/// From when until when something is trusted. Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: Option<u64>,
    end: Option<u64>,
}

impl Window {
    /// No limit at either end: for keys that are named without one.
    pub const UNBOUNDED: Self = Self { start: None, end: None };

    /// From `start` until `end`, both included; `None` is no limit.
    #[must_use]
    pub fn new(start: Option<UnixTime>, end: Option<UnixTime>) -> Self {
        Self { start: start.map(|time| time.as_secs()), end: end.map(|time| time.as_secs()) }
    }

    /// Whether this moment is in the window.
    #[must_use]
    pub fn contains(&self, time: UnixTime) -> bool {
        let time = time.as_secs();
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }

    /// The next moment after this one at which it opens or has closed.
    pub(crate) fn next_edge(&self, after: UnixTime) -> Option<u64> {
        let closed = self.end.and_then(|end| end.checked_add(1));
        [self.start, closed].into_iter().flatten().filter(|edge| *edge > after.as_secs()).min()
    }

    /// Whether any moment can be in it.
    pub(crate) fn is_possible(&self) -> bool {
        self.start.zip(self.end).is_none_or(|(start, end)| start <= end)
    }

    /// Whether it opens at some moment.
    pub(crate) fn has_start(&self) -> bool {
        self.start.is_some()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |time: Option<u64>, without: &str| time.map_or(without.to_owned(), written);
        write!(f, "{} to {}", end(self.start, "the beginning"), end(self.end, "today"))
    }
}

/// A moment as people read it: RFC 3339 in UTC.
pub(crate) fn written(seconds: u64) -> String {
    DateTime::from_unix_duration(std::time::Duration::from_secs(seconds))
        .map_or_else(|_| format!("second {seconds}"), |time| time.to_string())
}

/// Reads RFC 3339 in UTC (`Z`); a fraction of a second is cut off.
pub(crate) fn rfc3339(text: &str) -> Option<UnixTime> {
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let time: DateTime = format!("{whole}Z").parse().ok().filter(|_| digits)?;
    Some(UnixTime::since_unix_epoch(time.unix_duration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixTime {
        rfc3339(text).unwrap()
    }

    #[test]
    fn both_ends_belong_to_a_window() {
        let window = Window::new(Some(at("2025-01-01T00:00:00Z")), Some(at("2025-01-02T00:00:00.500Z")));
        assert!(window.contains(at("2025-01-01T00:00:00Z")) && window.contains(at("2025-01-02T00:00:00Z")));
        assert!(!window.contains(at("2024-12-31T23:59:59Z")));
        assert!(!window.contains(at("2025-01-02T00:00:01Z")));
        assert_eq!(window.to_string(), "2025-01-01T00:00:00Z to 2025-01-02T00:00:00Z");
    }

    #[test]
    fn other_ways_to_write_a_time_are_refused() {
        for bad in ["2025-01-01", "2025-01-01T00:00:00", "2025-01-01T00:00:00+01:00", "2025-13-01T00:00:00Z", "x.yZ"] {
            assert!(rfc3339(bad).is_none(), "{bad}");
        }
    }
}
