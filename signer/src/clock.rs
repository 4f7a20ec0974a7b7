//! The time, read here and nowhere else in this crate's signing.

use std::time::Duration;

use rustls_pki_types::UnixTime;

/// Now, by this machine.
pub(crate) fn now() -> UnixTime {
    UnixTime::now()
}

/// A while from now: services' clocks may be ahead of ours by as much.
pub(crate) fn soon() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now().as_secs()) + SKEW)
}

/// Now as manifests have it: RFC 3339 in UTC, whole seconds.
pub(crate) fn stamp() -> String {
    written(now().as_secs())
}

/// A moment as people read it.
pub(crate) fn written(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| format!("second {seconds}"), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

const SKEW: Duration = Duration::from_secs(60);
