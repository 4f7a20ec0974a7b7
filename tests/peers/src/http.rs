//! One plain HTTP request and its answer, over any stream.
//!
//! Speaks HTTP/1.0, to which servers answer without chunks and end with the connection. For readiness
//! probes and etcd's gateway; not for strangers.

use std::io::{self, Read, Write};

/// The status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Sends the request and reads the whole answer.
pub(crate) fn exchange(mut stream: impl Read + Write, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.take(LARGEST).read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP answer"))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = str::from_utf8(&bytes[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some(Answer { status, body: bytes[end + 4..].to_vec() })
}

const LARGEST: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_status_and_body() {
        let answer = parse(b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\nno\r\n\r\n").expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (404, b"no\r\n\r\n".as_slice()));
    }

    #[test]
    fn a_head_without_end_is_no_answer() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nA: b\r\n").is_none());
    }

    #[test]
    fn another_protocol_is_no_answer() {
        assert!(parse(b"SSH-2.0-x\r\n\r\n").is_none());
    }
}
