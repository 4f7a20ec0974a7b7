//! The two ranges of the protocol: of a blob that is read (RFC 9110, section 14), and of a chunk that is written
//! (distribution specification, "Pushing a blob in chunks").

use std::ops::Range;

/// What part of a blob was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    Part(Range<u64>),
    Outside,
}

/// Reads `Range` for a blob of this size. What is no single range of bytes is ignored, as the RFC allows.
pub(super) fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some((first, last)) = header.and_then(|h| h.strip_prefix("bytes=")).and_then(|h| h.split_once('-')) else {
        return Asked::Whole;
    };
    let range = match (number(first), number(last)) {
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        (Some(first), None) if last.is_empty() => first..size,
        (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Outside } else { Asked::Part(range) }
}

/// Reads the `Content-Range` of a chunk: `<first>-<last>`, both included.
pub(super) fn of_chunk(header: &str) -> Option<Range<u64>> {
    let (first, last) = header.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..last.checked_add(1)?)
}

/// Digits alone; Rust's own parser would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_cut_to_the_blob() {
        assert_eq!(asked(Some("bytes=0-3"), 10), Asked::Part(0..4));
        assert_eq!(asked(Some("bytes=4-"), 10), Asked::Part(4..10));
        assert_eq!(asked(Some("bytes=-3"), 10), Asked::Part(7..10));
        assert_eq!(asked(Some("bytes=-30"), 10), Asked::Part(0..10));
        assert_eq!(asked(Some("bytes=8-18446744073709551615"), 10), Asked::Part(8..10));
    }

    #[test]
    fn ranges_without_a_byte_are_outside() {
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(asked(Some(text), 10), Asked::Outside, "{text}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Outside);
    }

    #[test]
    fn other_ranges_are_ignored() {
        for text in ["bytes=0-1,3-4", "bytes=3-1", "bytes=-", "bytes=+1-2", "lines=0-1", "bytes=a-b"] {
            assert_eq!(asked(Some(text), 10), Asked::Whole, "{text}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }

    #[test]
    fn chunk_ranges_are_plain_numbers_in_order() {
        assert_eq!(of_chunk("0-0"), Some(0..1));
        assert_eq!(of_chunk("5-9"), Some(5..10));
        for text in ["bytes 0-1/2", "5-4", "-4", "4-", "+1-2", "0-18446744073709551615", ""] {
            assert_eq!(of_chunk(text), None, "{text}");
        }
    }
}
