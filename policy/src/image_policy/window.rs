//! When a signature was made, as far as that is proven: key validity windows and maximum ages.
//!
//! The earliest verified time counts: a signature that is stamped again does not become younger. What a signer writes
//! about the time, in annotations for one, never is a time.

use std::{fmt, time::Duration};

use rustls_pki_types::UnixTime;
use verifier::{VerifiedTime, Window};

use super::moment::{Span, moment, span, written};
use crate::{object::Object, problem::Why};

/// When signatures must have been made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    from: Option<UnixTime>,
    until: Option<UnixTime>,
    max_age: Option<Duration>,
}

impl Times {
    /// Reads `validFrom`, `validUntil` and `maxAge`.
    pub(crate) fn read(entry: &Object<'_>) -> Self {
        let (from, until) = (moment(entry, "validFrom"), moment(entry, "validUntil"));
        if from.zip(until).is_some_and(|(from, until)| from > until)
            && let Some(text) = entry.text("validUntil")
        {
            text.refuse(Why::Wanted("a time that is not before validFrom"));
        }
        Self { from, until, max_age: span(entry, "maxAge") }
    }

    /// Whether a signature that was proven to be there at these times is recent enough, and was made within the window.
    pub(crate) fn met_by(self, times: &[VerifiedTime], now: UnixTime) -> Result<(), Untimely> {
        let earliest = times.iter().map(|time| time.at).min();
        let proven = earliest.map(|seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        self.in_window(proven, now)?;
        let Some(most) = self.max_age else { return Ok(()) };
        let made = proven.ok_or(Untimely::AgeUnknown { most })?;
        let age = Duration::from_secs(now.as_secs().saturating_sub(made.as_secs()));
        if age > most { Err(Untimely::TooOld { age, most }) } else { Ok(()) }
    }

    /// Both ends belong to the window. Without a proven time it must be open now.
    fn in_window(self, proven: Option<UnixTime>, now: UnixTime) -> Result<(), Untimely> {
        if Window::new(self.from, self.until).contains(proven.unwrap_or(now)) {
            return Ok(());
        }
        let Self { from, until, .. } = self;
        Err(proven.map_or(Untimely::NotValidNow { from, until }, |at| Untimely::OutOfWindow { at, from, until }))
    }
}

/// Why a signature was not made when it should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Untimely {
    OutOfWindow { at: UnixTime, from: Option<UnixTime>, until: Option<UnixTime> },
    NotValidNow { from: Option<UnixTime>, until: Option<UnixTime> },
    TooOld { age: Duration, most: Duration },
    AgeUnknown { most: Duration },
}

impl fmt::Display for Untimely {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfWindow { at, from, until } => {
                write!(f, "signature was made at {}, wanted a time {}", written(*at), ends(*from, *until))
            }
            Self::NotValidNow { from, until } => {
                let wanted = ends(*from, *until);
                write!(f, "signature has no verified time, and the time now is not {wanted}, when its signer is valid")
            }
            Self::TooOld { age, most } => write!(f, "signature is {} old, wanted at most {}", Span(*age), Span(*most)),
            Self::AgeUnknown { most } => {
                write!(f, "signature has no verified time, wanted one that is at most {} old", Span(*most))
            }
        }
    }
}

fn ends(from: Option<UnixTime>, until: Option<UnixTime>) -> String {
    match (from, until) {
        (Some(from), Some(until)) => format!("from {} until {}", written(from), written(until)),
        (Some(from), None) => format!("from {} on", written(from)),
        (None, Some(until)) => format!("until {}", written(until)),
        (None, None) => "whenever".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use oci::Digest;
    use verifier::Clock;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn proven(seconds: &[u64]) -> Vec<VerifiedTime> {
        seconds.iter().map(|&at| VerifiedTime { at, clock: Clock::Authority(Digest::of(b"clock")) }).collect()
    }

    const WINDOW: Times = Times { from: Some(UNIX_100), until: Some(UNIX_200), max_age: None };
    const UNIX_100: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(100));
    const UNIX_200: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(200));

    #[test]
    fn both_edges_belong_to_the_window() {
        for (time, good) in [(99, false), (100, true), (200, true), (201, false)] {
            assert_eq!(WINDOW.met_by(&proven(&[time]), at(10_000)).is_ok(), good, "signed at {time}");
            assert_eq!(WINDOW.met_by(&[], at(time)).is_ok(), good, "no verified time, now {time}");
        }
    }

    #[test]
    fn earliest_verified_time_counts() {
        assert_eq!(WINDOW.met_by(&proven(&[150, 9_000]), at(10_000)), Ok(()));
        let early = WINDOW.met_by(&proven(&[150, 50]), at(150));
        assert!(matches!(early, Err(Untimely::OutOfWindow { at: made, .. }) if made == at(50)), "{early:?}");
        let age = Times { from: None, until: None, max_age: Some(Duration::from_secs(10)) };
        assert_eq!(
            age.met_by(&proven(&[995, 900]), at(1_000)),
            Err(Untimely::TooOld { age: Duration::from_secs(100), most: Duration::from_secs(10) }),
            "stamped again, it is as old as before"
        );
    }

    #[test]
    fn verified_time_outside_is_not_mended_by_a_clock_inside() {
        assert!(WINDOW.met_by(&proven(&[201]), at(150)).is_err());
        assert!(WINDOW.met_by(&proven(&[99]), at(150)).is_err());
    }

    #[test]
    fn maximum_age_has_an_edge_and_needs_a_verified_time() {
        let age = Times { from: None, until: None, max_age: Some(Duration::from_secs(10)) };
        assert_eq!(age.met_by(&proven(&[990]), at(1_000)), Ok(()));
        assert_eq!(age.met_by(&proven(&[1_005]), at(1_000)), Ok(()), "a clock that is a little ahead");
        assert!(age.met_by(&proven(&[989]), at(1_000)).is_err());
        assert_eq!(age.met_by(&[], at(1_000)), Err(Untimely::AgeUnknown { most: Duration::from_secs(10) }));
    }

    #[test]
    fn messages_say_what_was_found_and_wanted() {
        let late = WINDOW.met_by(&proven(&[201]), at(300)).unwrap_err().to_string();
        assert_eq!(
            late,
            "signature was made at 1970-01-01T00:03:21Z, wanted a time from 1970-01-01T00:01:40Z until 1970-01-01T00:03:20Z"
        );
        let open = Times { until: None, ..WINDOW }.met_by(&[], at(99)).unwrap_err().to_string();
        assert!(open.contains("not from 1970-01-01T00:01:40Z on"), "{open}");
    }
}
