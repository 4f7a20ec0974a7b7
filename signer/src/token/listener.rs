//! The port of this machine to which a browser comes back with a code.
//!
//! Whatever else comes to that port is answered and forgotten: a page that guesses it cannot end a login.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    TokenError,
    web::{address, is_loopback},
};

pub(super) struct Listener {
    sockets: TcpListener,
    address: Url,
}

impl Listener {
    /// Listens at an address of this machine; at a port of the system's choice if none is given, or port 0.
    pub(super) async fn bind(wanted: Option<&str>) -> Result<Self, TokenError> {
        let text = wanted.unwrap_or(DEFAULT);
        let wrong = || TokenError::Redirect { found: oci::excerpt(text, 200) };
        let mut address = address(text).map_err(|_| wrong())?;
        if address.scheme() != "http" || !is_loopback(&address) {
            return Err(wrong());
        }
        let port = address.port_or_known_default().unwrap_or_default();
        let sockets = match address.host() {
            Some(url::Host::Ipv6(ip)) => TcpListener::bind((ip, port)).await,
            Some(url::Host::Ipv4(ip)) => TcpListener::bind((ip, port)).await,
            _ => TcpListener::bind(("127.0.0.1", port)).await,
        }
        .map_err(TokenError::Listen)?;
        let port = sockets.local_addr().map_err(TokenError::Listen)?.port();
        address.set_port(Some(port)).map_err(|()| wrong())?;
        Ok(Self { sockets, address })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &Url {
        &self.address
    }

    /// Waits for a browser with the code that belongs to this state, or with the provider's refusal.
    pub(super) async fn code(&self, state: &str) -> Result<Zeroizing<String>, TokenError> {
        let mut visits = JoinSet::new();
        loop {
            let room = visits.len() < MAX_VISITS;
            tokio::select! {
                visit = self.sockets.accept(), if room => {
                    let (stream, _) = visit.map_err(TokenError::Listen)?;
                    let (here, state) = (self.address.clone(), Zeroizing::new(state.to_owned()));
                    visits.spawn(timeout(PATIENCE, serve(stream, here, state)));
                }
                Some(Ok(Ok(Some(outcome)))) = visits.join_next() => return outcome,
            }
        }
    }
}

/// Answers one request, and hands out what it brought if that is ours.
async fn serve(
    mut stream: TcpStream,
    here: Url,
    state: Zeroizing<String>,
) -> Option<Result<Zeroizing<String>, TokenError>> {
    let target = target(&mut stream).await?;
    let visited = here.join(&target).ok()?;
    let outcome = (visited.path() == here.path()).then(|| brought(&visited, &state)).flatten();
    let (status, words) = match &outcome {
        None => ("404 Not Found", "This is not the page that was waited for."),
        Some(Ok(_)) => ("200 OK", "Logged in. You may close this page."),
        Some(Err(_)) => ("200 OK", "Not logged in. You may close this page."),
    };
    let length = words.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n{words}"
    );
    // who does not wait for the answer has brought the code nonetheless
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    outcome
}

/// What a `GET` is for.
async fn target(stream: &mut TcpStream) -> Option<Zeroizing<String>> {
    let mut head = Zeroizing::new(Vec::with_capacity(MAX_HEAD));
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= MAX_HEAD || stream.read_buf(&mut *head).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.split(|byte| *byte == b'\r').next()?;
    let path = std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.split(' ').next()?;
    path.starts_with('/').then(|| Zeroizing::new(path.to_owned()))
}

/// The code, or the refusal, in an address with the right state.
fn brought(visited: &Url, state: &str) -> Option<Result<Zeroizing<String>, TokenError>> {
    let get =
        |wanted: &str| visited.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    if get("state").is_none_or(|found| found != state) {
        return None;
    }
    match (get("error"), get("code").filter(|code| !code.is_empty())) {
        (None, Some(code)) => Some(Ok(Zeroizing::new(code))),
        (Some(error), _) => Some(Err(TokenError::Denied { why: oci::excerpt(&error, 200) })),
        (None, None) => None,
    }
}

const DEFAULT: &str = "http://localhost:0/auth/callback";
/// What one visitor has to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_VISITS: usize = 32;
const MAX_HEAD: usize = 16 * 1024;
