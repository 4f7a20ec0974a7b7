//! DER, item by item, for the few structures that are read here: certificates, their extensions, and timestamps.
//!
//! The `der` crate reads the headers and refuses lengths that are not minimal. Raw bytes are kept, since what was
//! signed or hashed is those bytes and not a re-encoding.

use der::{
    DateTime, Decode as _, Reader as _, SliceReader,
    asn1::{AnyRef, UtcTime},
};
use rustls_pki_types::UnixTime;

pub(crate) use der::asn1::ObjectIdentifier as Oid;

/// The bytes are not the DER that was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotDer;

/// A row of items.
pub(crate) struct Items<'a>(SliceReader<'a>);

/// One item: identifier octet, contents, and both together with the length.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    pub(crate) raw: &'a [u8],
}

impl<'a> Items<'a> {
    /// The items in these bytes.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, NotDer> {
        SliceReader::new(bytes).map(Self).map_err(|_| NotDer)
    }

    /// The one item that these bytes are, with this tag, and nothing after it.
    pub(crate) fn only(bytes: &'a [u8], tag: u8) -> Result<Item<'a>, NotDer> {
        let mut items = Self::of(bytes)?;
        let item = items.take(tag)?;
        items.end()?;
        Ok(item)
    }

    /// The next item, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Item<'a>, NotDer> {
        let raw = self.0.tlv_bytes().map_err(|_| NotDer)?;
        let value = AnyRef::from_der(raw).map_err(|_| NotDer)?.value();
        Ok(Item { tag: raw[0], value, raw })
    }

    /// The next item, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Result<Item<'a>, NotDer> {
        let item = self.any()?;
        if item.tag == tag { Ok(item) } else { Err(NotDer) }
    }

    /// The next item if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Item<'a>>, NotDer> {
        if self.0.peek_byte() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Whether no item is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_finished()
    }

    /// All that is left.
    pub(crate) fn rest(mut self) -> Result<Vec<Item<'a>>, NotDer> {
        let mut list = Vec::new();
        while !self.is_empty() {
            list.push(self.any()?);
        }
        Ok(list)
    }

    /// Refuses anything that is left.
    pub(crate) fn end(&self) -> Result<(), NotDer> {
        if self.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

impl<'a> Item<'a> {
    /// The items inside.
    pub(crate) fn items(&self) -> Result<Items<'a>, NotDer> {
        Items::of(self.value)
    }

    /// The object identifier that this is.
    pub(crate) fn oid(&self) -> Result<Oid, NotDer> {
        Oid::from_der(self.raw).map_err(|_| NotDer)
    }

    /// A moment: UTCTime, or GeneralizedTime, whose fraction of a second is cut off.
    pub(crate) fn time(&self) -> Result<UnixTime, NotDer> {
        let since = match self.tag {
            UTC_TIME => UtcTime::from_der(self.raw).map_err(|_| NotDer)?.to_unix_duration(),
            GENERALIZED_TIME => generalized(self.value).ok_or(NotDer)?.unix_duration(),
            _ => return Err(NotDer),
        };
        Ok(UnixTime::since_unix_epoch(since))
    }
}

/// `YYYYMMDDhhmmss`, perhaps a fraction, `Z` (RFC 3161, 2.4.2).
fn generalized(text: &[u8]) -> Option<DateTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole[from..to].parse::<u8>().ok();
    let year = whole[..4].parse().ok()?;
    DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?).ok()
}

/// An item of this tag around these contents.
pub(crate) fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match contents.len() {
        short @ 0..=127 => bytes.push(u8::try_from(short).expect("below 128")),
        long => {
            let length: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | u8::try_from(length.len()).expect("at most eight"));
            bytes.extend(length);
        }
    }
    bytes.extend_from_slice(contents);
    bytes
}

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The identifier octet of a primitive context-specific item.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The identifier octet of a constructed context-specific item.
pub(crate) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let bytes = wrap(OCTET_STRING, &vec![7; length]);
            assert_eq!(Items::only(&bytes, OCTET_STRING).unwrap().value.len(), length);
        }
    }

    #[test]
    fn trailing_bytes_other_tags_and_long_lengths_are_refused() {
        assert!(Items::only(&[4, 1, 0, 0], OCTET_STRING).is_err());
        assert!(Items::only(&[4, 1, 0], SEQUENCE).is_err());
        assert!(Items::only(&[4, 0x81, 1, 0], OCTET_STRING).is_err());
        assert!(Items::only(&[4, 2, 0], OCTET_STRING).is_err());
        assert!(Items::only(&[], OCTET_STRING).is_err());
    }

    #[test]
    fn generalized_time_may_have_a_fraction_and_must_be_utc() {
        let time = |text: &str| {
            let bytes = wrap(GENERALIZED_TIME, text.as_bytes());
            Items::only(&bytes, GENERALIZED_TIME).unwrap().time().map(|time| time.as_secs())
        };
        assert_eq!(time("20250101000000Z"), Ok(1_735_689_600));
        assert_eq!(time("20250101000000.999Z"), Ok(1_735_689_600));
        for bad in ["20250101000000", "20250101000000+0100", "20251301000000Z", "202501010000Z", "20250101000000.Z"] {
            assert_eq!(time(bad), Err(NotDer), "{bad}");
        }
    }
}
