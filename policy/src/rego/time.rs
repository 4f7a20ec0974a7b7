//! Rego's functions of time that ask no clock and no table of time zones: UTC alone.

use regorus::Value;

/// What one of these functions gives, or `None` where it is undefined.
pub(super) fn answer(name: &str, argument: &Value) -> Option<Value> {
    match name {
        "time.parse_rfc3339_ns" => rfc3339(argument.as_string().ok()?).map(Value::from),
        "time.parse_duration_ns" => duration(argument.as_string().ok()?).map(Value::from),
        "time.date" => date(instant(argument)?.div_euclid(DAY)),
        "time.clock" => Some(clock(instant(argument)?.rem_euclid(DAY) / SECOND)),
        "time.weekday" => {
            let day = instant(argument)?.div_euclid(DAY).rem_euclid(7);
            WEEKDAYS.get(usize::try_from(day).ok()?).map(|name| Value::from(*name))
        }
        _ => None,
    }
}

/// Nanoseconds since 1970, or these with the name of a time zone.
fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Array(parts) => match parts.as_slice() {
            [instant] => instant.as_i64().ok(),
            [instant, zone] if matches!(zone.as_string().ok()?.as_ref(), "" | "UTC") => instant.as_i64().ok(),
            _ => None,
        },
        _ => value.as_i64().ok(),
    }
}

/// `2006-01-02T15:04:05.999999999Z07:00`, as Go reads it.
fn rfc3339(text: &str) -> Option<i64> {
    // Go lets an hour have one digit.
    let two_digits = (text.as_bytes().get(12) == Some(&b':')).then(|| text.replacen('T', "T0", 1));
    let text = two_digits.as_deref().unwrap_or(text);
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !text.is_ascii() || separators.iter().any(|(at, separator)| bytes.get(*at) != Some(separator)) {
        return None;
    }
    let [year, month, day] = [digits(text, 0, 4, 0..=9999)?, digits(text, 5, 7, 1..=12)?, digits(text, 8, 10, 1..=31)?];
    let hour = digits(text, 11, 13, 0..=23)?;
    let (minute, second) = (digits(text, 14, 16, 0..=59)?, digits(text, 17, 19, 0..=59)?);
    let (fraction, zone) = fraction(&text[19..])?;
    let days = days(year, month, day)?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    seconds.checked_mul(SECOND)?.checked_add(fraction)
}

fn digits(text: &str, from: usize, to: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let digits = text.get(from..to).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| range.contains(number))
}

/// Nanoseconds behind a point or a comma, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let nine: String = rest[..end].chars().chain("000000000".chars()).take(9).collect();
    (end > 0).then_some((nine.parse().ok()?, &rest[end..]))
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        [b'Z'] => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    Some(sign * (digits(zone, 1, 3, 0..=24)? * 3600 + digits(zone, 4, 6, 0..=60)? * 60))
}

/// Days since 1970 of a date of the Gregorian calendar, if the month has that day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let days = days_until(year, month) + day - 1;
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    (days < days_until(next_year, next_month)).then_some(days)
}

/// Days from 1970 to the first of a month. A year that begins in March has its leap day at the end.
fn days_until(year: i64, month: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let from_march = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * from_march + 2) / 5 - 719_468
}

fn date(days: i64) -> Option<Value> {
    // The year by its mean length is right or one too early.
    let guess = 1970 + (days * 400).div_euclid(146_097);
    let year = (guess - 1..=guess + 1).rev().find(|year| days_until(*year, 1) <= days)?;
    let month = (1..=12).rev().find(|month| days_until(year, *month) <= days)?;
    Some(Value::from([year, month, days - days_until(year, month) + 1].map(Value::from).to_vec()))
}

fn clock(second: i64) -> Value {
    Value::from([second / 3600, second / 60 % 60, second % 60].map(Value::from).to_vec())
}

/// `1h15m30.5s` and the like.
fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0_i64;
    loop {
        let (amount, after) = amount(rest)?;
        total = total.checked_add(amount)?;
        if after.is_empty() {
            return Some(if negative { -total } else { total });
        }
        rest = after;
    }
}

/// The first number with its unit, in nanoseconds.
fn amount(text: &str) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
    let (number, rest) = text.split_at(end);
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let unit = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
    // More digits than these are less than a nanosecond, of whatever unit.
    let digits: String = fraction.chars().take(15).collect();
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    let part = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? * i128::from(unit) / scale };
    Some((whole.checked_mul(unit)?.checked_add(i64::try_from(part).ok()?)?, rest))
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 1970 began on a Thursday.
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];
