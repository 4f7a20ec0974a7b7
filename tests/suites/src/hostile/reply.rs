//! One HTTP answer, which need not keep what it promises.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// An answer as a test wants it.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Whole(Vec<u8>),
    Endless,
    Declared(u64),
    Drip(Vec<u8>),
}

impl Reply {
    /// 200 with this media type and these bytes.
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).header("Content-Type", content_type).body(body)
    }

    /// This status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Whole(Vec::new()) }
    }

    /// 307 to this address.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::status(307).header("Location", to)
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// These bytes, with their length declared.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Whole(body.into());
        self
    }

    /// Blanks without end, and no length declared.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.body = Body::Endless;
        self
    }

    /// So many blanks, with their length declared.
    #[must_use]
    pub fn declared(mut self, length: u64) -> Self {
        self.body = Body::Declared(length);
        self
    }

    /// The same bytes, one a second.
    #[must_use]
    pub fn dripping(mut self) -> Self {
        if let Body::Whole(bytes) = self.body {
            self.body = Body::Drip(bytes);
        }
        self
    }

    /// Writes it all, or until the other side or the server ends.
    pub(super) fn write(&self, out: &mut impl Write, stopped: &AtomicBool) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&match &self.body {
            Body::Whole(bytes) | Body::Drip(bytes) => format!("Content-Length: {}\r\n\r\n", bytes.len()),
            Body::Declared(length) => format!("Content-Length: {length}\r\n\r\n"),
            Body::Endless => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
        });
        out.write_all(head.as_bytes())?;
        self.write_body(out, stopped)?;
        out.flush()
    }

    fn write_body(&self, out: &mut impl Write, stopped: &AtomicBool) -> io::Result<()> {
        let going = || !stopped.load(Ordering::Relaxed);
        match &self.body {
            Body::Whole(bytes) => out.write_all(bytes)?,
            Body::Drip(bytes) => {
                for byte in bytes.iter().take_while(|_| going()) {
                    out.write_all(&[*byte])?;
                    out.flush()?;
                    thread::sleep(DRIP);
                }
            }
            Body::Endless => {
                while going() {
                    write!(out, "{:x}\r\n", PIECE.len())?;
                    out.write_all(&PIECE)?;
                    out.write_all(b"\r\n")?;
                }
            }
            Body::Declared(length) => {
                let mut left = *length;
                while left > 0 && going() {
                    let piece = left.min(PIECE.len() as u64);
                    out.write_all(&PIECE[..usize::try_from(piece).expect("at most a piece")])?;
                    left -= piece;
                }
            }
        }
        Ok(())
    }
}

/// The pace of a slow drip.
const DRIP: Duration = Duration::from_secs(1);
static PIECE: [u8; 65536] = [b' '; 65536];
