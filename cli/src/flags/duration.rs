//! Durations as Go writes them, since cosign's users do: `3m0s`, `90s`, `1h30m`.

use std::time::Duration;

/// Reads a duration that is not negative.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration such as 90s or 3m"))?;
    Duration::try_from(signed).map_err(|_| format!("`{text}` is negative"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read_and_others_refused() {
        assert_eq!(parse("3m0s"), Ok(Duration::from_secs(180)));
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "3", "soon", "-3s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
