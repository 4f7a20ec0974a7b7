//! A service on loopback that answers as it is told, and remembers what it was asked.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `METHOD /path`.
    pub(crate) what: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

/// A service that listens until the test ends.
pub(crate) struct Fake {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Answers with status and body; the function gets the service's own address and the request.
    pub(crate) fn answering(answer: impl Fn(&str, &Asked) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (own, all) = (address.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some((stream, request)) = read(stream) {
                    all.lock().unwrap().push(request.clone());
                    reply(stream, answer(&own, &request));
                }
            }
        });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, without the rest of it.
    pub(crate) fn whats(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }
}

fn read(stream: TcpStream) -> Option<(TcpStream, Asked)> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut authorization) = (String::new(), 0, String::new());
    reader.read_line(&mut line).ok()?;
    let what = line.rsplit_once(" HTTP/")?.0.to_owned();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((reader.into_inner(), Asked { what, authorization, body: String::from_utf8(body).ok()? }))
}

fn reply(mut stream: TcpStream, (status, body): (u16, String)) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // who has enough of the answer may hang up
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

/// An identity token whose signature nobody checks here.
pub(crate) fn token(more: &Value) -> String {
    let mut claims =
        json!({ "iss": "https://issuer.test", "sub": "somebody", "aud": "sigstore", "exp": 4_000_000_000_u64 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{SECRET}", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()))
}

/// The part of a token that nobody must ever read.
pub(crate) const SECRET: &str = "c2lnbmF0dXJl";
