//! How long the API server waits, and how much of that is ours.
//!
//! It says so in the address (`?timeout=10s`, in Go's notation). We stop a margin earlier: an answer that comes too
//! late is replaced by the API server's own words, and ours say why.

use std::time::Duration;

/// The time in which an answer must be written, counted from the request's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Duration);

/// The `timeout` in the address is no duration that can be waited for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("timeout `{0}` found, wanted a duration above zero such as `10s`")]
pub(crate) struct BadTimeout(String);

impl Deadline {
    /// What the address says, at most [`LONGEST`]; ten seconds where it says nothing, the shortest where it says
    /// several.
    pub(crate) fn of(query: Option<&str>) -> Result<Self, BadTimeout> {
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let mut shortest = None;
        for (_, text) in pairs.filter(|(key, _)| *key == "timeout") {
            let found = duration(text).filter(|d| !d.is_zero());
            let found = found.ok_or_else(|| BadTimeout(crate::words::cut(text, 40)))?;
            shortest = Some(shortest.map_or(found, |s: Duration| s.min(found)));
        }
        Ok(Self(shortest.unwrap_or(DEFAULT).min(LONGEST)))
    }

    /// What remains for judging once `spent` has gone by: less a tenth, at least half a second, never over half.
    pub(crate) fn for_judging(self, spent: Duration) -> Duration {
        let margin = (self.0 / 10).max(MARGIN).min(self.0 / 2);
        self.0.saturating_sub(margin).saturating_sub(spent)
    }

    /// When waiting for a judgement that should have ended by [`Self::for_judging`] is given up.
    pub(crate) fn for_waiting(self, spent: Duration) -> Duration {
        let judging = self.for_judging(spent);
        judging + self.0.saturating_sub(spent).saturating_sub(judging) / 2
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

/// Go's notation without a sign: decimal numbers, each with a unit, `1m30.5s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() || text.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|n| *n > 0)?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        sum += number.parse::<f64>().ok()? * seconds(&tail[..unit])?;
        rest = &tail[unit..];
    }
    Duration::try_from_secs_f64(sum).ok()
}

fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" | "μs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

/// What Kubernetes waits where a webhook's configuration says nothing.
const DEFAULT: Duration = Duration::from_secs(10);
/// The most that Kubernetes lets a configuration say.
const LONGEST: Duration = Duration::from_secs(30);
const MARGIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(query: &str) -> u128 {
        Deadline::of(Some(query)).unwrap().0.as_millis()
    }

    #[test]
    fn timeout_is_read_as_go_writes_it() {
        let table = [("10s", 10_000), ("1.5s", 1500), ("500ms", 500), ("0.5s", 500), ("1s500ms", 1500), ("2m", 30_000)];
        for (text, wanted) in table {
            assert_eq!(millis(&format!("timeout={text}")), wanted, "{text}");
        }
    }

    #[test]
    fn silence_means_ten_seconds() {
        for query in [None, Some(""), Some("x=1"), Some("timeout")] {
            assert_eq!(Deadline::of(query), Ok(Deadline::default()));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "10", "s", "-1s", "0s", "1x", "1.2.3s", "1s ", "+1s", "infs", "nans", "1e3s", ".s"] {
            assert!(Deadline::of(Some(&format!("timeout={text}"))).is_err(), "{text}");
        }
        let long = format!("timeout={}\u{1b}", "9".repeat(500));
        assert!(Deadline::of(Some(&long)).unwrap_err().to_string().len() < 150);
    }

    #[test]
    fn the_shortest_of_several_counts() {
        assert_eq!(millis("timeout=20s&dry=1&timeout=3s"), 3000);
        assert!(Deadline::of(Some("timeout=20s&timeout=x")).is_err());
    }

    #[test]
    fn endless_numbers_are_capped() {
        assert_eq!(millis(&format!("timeout={}h", "9".repeat(12))), 30_000);
        assert!(Deadline::of(Some(&format!("timeout={}h", "9".repeat(400)))).is_err());
    }

    #[test]
    fn judging_ends_before_the_answer_is_due() {
        let judging =
            |query, spent| Deadline::of(Some(query)).unwrap().for_judging(Duration::from_millis(spent)).as_millis();
        assert_eq!(judging("timeout=10s", 0), 9000);
        assert_eq!(judging("timeout=30s", 0), 27_000);
        assert_eq!(judging("timeout=2s", 0), 1500);
        assert_eq!(judging("timeout=400ms", 0), 200);
        assert_eq!(judging("timeout=10s", 4000), 5000);
        assert_eq!(judging("timeout=10s", 9500), 0);
    }

    #[test]
    fn waiting_ends_between_judging_and_the_end() {
        for (query, spent) in [("timeout=10s", 0), ("timeout=1s", 100), ("timeout=2s", 1900), ("timeout=1s", 5000)] {
            let (deadline, spent) = (Deadline::of(Some(query)).unwrap(), Duration::from_millis(spent));
            let waiting = deadline.for_waiting(spent);
            assert!(waiting >= deadline.for_judging(spent), "{query}");
            assert!(waiting.is_zero() || waiting + spent < deadline.0, "{query}");
        }
    }
}
