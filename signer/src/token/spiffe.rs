//! The SPIFFE workload API: one call of gRPC over a socket of this machine.
//!
//! The call's two messages have three fields that count, so they are written and read here, not by generated code.

use std::{path::Path, time::Duration};

use bytes::{Buf as _, Bytes};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::{net::UnixStream, time::timeout};
use zeroize::Zeroizing;

use super::{WebError, source::AUDIENCE};

/// The first identity of this process, as a token. Unless somebody `named` the socket, root or this user must serve it.
pub(super) async fn token(socket: &Path, named: bool) -> Result<Zeroizing<String>, WebError> {
    let late = |_| WebError::Late { host: HOST.to_owned(), after: PATIENCE };
    timeout(PATIENCE, call(socket, named)).await.map_err(late)?
}

async fn call(socket: &Path, named: bool) -> Result<Zeroizing<String>, WebError> {
    let stream = UnixStream::connect(socket).await.map_err(|error| unreachable(&error))?;
    if !named {
        let (end, _) = UnixStream::pair().map_err(|error| unreachable(&error))?;
        served_by(user(&stream)?, user(&end)?)?;
    }
    let (send, connection) = h2::client::handshake(stream).await.map_err(|error| unreachable(&error))?;
    let message = tokio::select! {
        answer = exchange(send) => answer?,
        Err(error) = connection => return Err(unreachable(&error)),
    };
    first_token(&message).ok_or(WebError::Unusable { host: HOST.to_owned(), wanted: "SVID" })
}

/// The user at the other end. The socket's owner would not tell: a file can be exchanged before it is opened.
fn user(stream: &UnixStream) -> Result<u32, WebError> {
    stream.peer_cred().map(|end| end.uid()).map_err(|error| unreachable(&error))
}

/// Refuses a user who is neither root nor this process's.
fn served_by(found: u32, own: u32) -> Result<(), WebError> {
    match found == 0 || found == own {
        true => Ok(()),
        false => Err(WebError::Stranger { host: HOST.to_owned(), found, own }),
    }
}

async fn exchange(mut send: SendRequest<Bytes>) -> Result<Zeroizing<Vec<u8>>, WebError> {
    let failed = |error: h2::Error| unreachable(&error);
    let request = Request::post("http://localhost/SpiffeWorkloadAPI/FetchJWTSVID")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("workload.spiffe.io", "true")
        .body(())
        .expect("a constant request");
    let (response, mut body) = send.send_request(request, false).map_err(failed)?;
    body.send_data(framed(&request_for(AUDIENCE)), true).map_err(failed)?;
    let mut response = response.await.map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.body_mut().data().await {
        let chunk = chunk.map_err(failed)?;
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(WebError::TooLarge { host: HOST.to_owned(), most: MAX_ANSWER });
        }
        bytes.extend_from_slice(&chunk);
        response.body_mut().flow_control().release_capacity(chunk.len()).map_err(failed)?;
    }
    let trailers = response.body_mut().trailers().await.map_err(failed)?;
    succeeded(trailers.as_ref().unwrap_or_else(|| response.headers()))?;
    Ok(bytes)
}

/// gRPC says whether a call succeeded after the answer, or in place of it.
fn succeeded(headers: &HeaderMap) -> Result<(), WebError> {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    match text("grpc-status").map(|status| status.parse::<u16>()) {
        Some(Ok(0)) => Ok(()),
        Some(Ok(status)) => {
            let words = oci::excerpt(&text("grpc-message").unwrap_or_default(), 200);
            Err(WebError::Refused { host: HOST.to_owned(), status, words })
        }
        _ => Err(WebError::Unusable { host: HOST.to_owned(), wanted: "grpc-status" }),
    }
}

/// `JWTSVIDRequest`: the audience is its first field.
fn request_for(audience: &str) -> Vec<u8> {
    let length = u8::try_from(audience.len()).expect("audiences are short");
    assert!(length < 0x80, "audiences are short");
    [&[0x0a, length], audience.as_bytes()].concat()
}

/// A message of gRPC, uncompressed.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("requests are short");
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

/// `JWTSVIDResponse`: the identities are its first field, a token the second of each.
fn first_token(mut answer: &[u8]) -> Option<Zeroizing<String>> {
    let (0, length) = (answer.try_get_u8().ok()?, answer.try_get_u32().ok()?) else { return None };
    let message = answer.get(..usize::try_from(length).ok()?)?;
    let token = field(field(message, 1)?, 2)?;
    std::str::from_utf8(token).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// The first field of this number, which is bytes.
fn field(mut message: &[u8], wanted: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let length = match key & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = message.split_at_checked(length)?;
        message = rest;
        if key == wanted << 3 | 2 {
            return Some(value);
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn unreachable(error: &dyn std::error::Error) -> WebError {
    WebError::Unreachable { host: HOST.to_owned(), why: oci::excerpt(&error.to_string(), 200) }
}

const HOST: &str = "its socket";
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(message: &[u8]) -> Vec<u8> {
        framed(message).to_vec()
    }

    #[test]
    fn socket_that_nobody_named_must_be_roots_or_ones_own() {
        assert!(served_by(0, 1000).is_ok() && served_by(1000, 1000).is_ok());
        for own in [0, 1000] {
            let refused = served_by(1001, own).unwrap_err().to_string();
            let wanted = format!("its socket is served by user 1001, wanted root or user {own}");
            assert!(refused.starts_with(&wanted), "{refused}");
        }
    }

    #[test]
    fn token_is_the_second_field_of_the_first_identity() {
        // identity { spiffe_id: "a", token: "b.c", hint: "d" }, and one more field
        let message = b"\x08\x05\x0a\x0b\x0a\x01a\x12\x03b.c\x1a\x01d\x0a\x05\x12\x03x.y";
        assert_eq!(first_token(&answer(message)).unwrap().as_str(), "b.c");
    }

    #[test]
    fn messages_that_end_early_or_hold_no_token_are_refused() {
        let good = answer(b"\x0a\x08\x0a\x01a\x12\x03b.c");
        assert!(first_token(&good).is_some());
        for length in 0..good.len() {
            assert!(first_token(&good[..length]).is_none(), "{length}");
        }
        let compressed = [&[1], &good[1..]].concat();
        let bad: [&[u8]; 5] = [
            b"",
            b"\x0a\x03\x0a\x01a",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x0a\x05\x12\x7fb.c",
            b"\x0a\x05\x12\x03b\xffc",
        ];
        assert!(bad.iter().all(|message| first_token(&answer(message)).is_none()));
        assert!(first_token(&compressed).is_none());
    }
}
