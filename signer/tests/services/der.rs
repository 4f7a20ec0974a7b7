//! DER, written: enough to make certificate timestamps and timestamp tokens, right ones and wrong ones.

pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let mut bytes = vec![tag];
    match contents.len() {
        short @ 0..=127 => bytes.push(short as u8),
        middle @ 128..=255 => bytes.extend([0x81, middle as u8]),
        long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    bytes.extend(contents);
    bytes
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

pub(crate) fn set(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x31, parts)
}

pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, &[bytes])
}

pub(crate) fn integer(number: u8) -> Vec<u8> {
    tlv(0x02, &[&[number]])
}

pub(crate) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut bytes = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let mut septets = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            septets.insert(0, 0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        bytes.extend(septets);
    }
    tlv(0x06, &[&bytes])
}

/// The first item of these bytes, its contents, and what follows it.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (header, length) = match bytes[1] {
        short @ 0..=127 => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            (2 + count, bytes[2..2 + count].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
        }
    };
    (&bytes[..header + length], &bytes[header..header + length], &bytes[header + length..])
}

/// The items of a certificate's signed part.
pub(crate) fn certificate(der: &[u8]) -> Vec<&[u8]> {
    let (_, mut rest, _) = split(split(split(der).1).0);
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (item, _, after) = split(rest);
        items.push(item);
        rest = after;
    }
    items
}
