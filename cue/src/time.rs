//! Times as RFC 3339 writes them, as strictly as Go reads them.

/// The time in UTC, with as many digits of a second as are needed; `None` if it is none.
pub(crate) fn normalised(text: &str) -> Option<String> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let (year, month, day) = date_of(date)?;
    let clock = rest.strip_prefix('T')?;
    let (hour, minute, second) = (number(clock.get(..2)?)?, number(clock.get(3..5)?)?, number(clock.get(6..8)?)?);
    let separators = clock.as_bytes().get(2) == Some(&b':') && clock.as_bytes().get(5) == Some(&b':');
    if !separators || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = fraction_of(clock.get(8..)?)?;
    let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset(zone)?;
    let (year, month, day) = date_after(minutes.div_euclid(24 * 60));
    if !(0..=9999).contains(&year) {
        return None;
    }
    let (hour, minute) = (minutes.rem_euclid(24 * 60) / 60, minutes.rem_euclid(60));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}Z"))
}

/// The date as the time at its beginning; `None` if it is none.
pub(crate) fn normalised_date(text: &str) -> Option<String> {
    date_of(text)?;
    Some(format!("{text}T00:00:00Z"))
}

fn date_of(text: &str) -> Option<(i64, i64, i64)> {
    let separated = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
    let (year, month, day) = (number(text.get(..4)?)?, number(text.get(5..7)?)?, number(text.get(8..10)?)?);
    let valid = separated && (1..=12).contains(&month) && (1..=days_of_month(year, month)).contains(&day);
    valid.then_some((year, month, day))
}

/// The digits after the point, of which nine count, and what follows them.
fn fraction_of(rest: &str) -> Option<(&str, &str)> {
    let Some(fraction) = rest.strip_prefix('.') else { return Some(("", rest)) };
    let end = fraction.find(|c: char| !c.is_ascii_digit())?;
    (1..=9).contains(&end).then(|| fraction.split_at(end))
}

/// Minutes ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(zone.get(1..3)?)?, number(zone.get(4..6)?)?);
    let valid = zone.len() == 6 && zone.as_bytes()[3] == b':' && hours <= 23 && minutes <= 59;
    valid.then_some(sign * (hours * 60 + minutes))
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since the first of March of the year zero.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day - 1
}

fn date_after(days_passed: i64) -> (i64, i64, i64) {
    let era = days_passed.div_euclid(146_097);
    let of_era = days_passed.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year_of_era + era * 400, if month < 10 { month + 3 } else { month - 9 });
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_taken_away() {
        for (text, utc) in [
            ("2049-10-09T17:10:27+02:00", "2049-10-09T15:10:27Z"),
            ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00Z"),
            ("2023-01-01T00:00:00.120+00:30", "2022-12-31T23:30:00.12Z"),
            ("2022-04-15T17:10:27Z", "2022-04-15T17:10:27Z"),
        ] {
            assert_eq!(normalised(text).as_deref(), Some(utc));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+2:00",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00:00.Z",
            "",
            "0000-01-01T00:00:00+01:00",
            "２024-01-01T00:00:00Z",
        ] {
            assert_eq!(normalised(text), None, "{text}");
        }
    }
}
