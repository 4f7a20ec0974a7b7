//! An HTTP/1.1 server on a loopback port, a thread for each connection and a connection for each request.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use peers::Authority;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::Reply;

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    /// The value of a header, if it was sent.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the path, without the query, is this one.
    #[must_use]
    pub fn is(&self, path: &str) -> bool {
        self.target.split('?').next() == Some(path)
    }
}

type Answering = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The server. Dropping it ends it; connections under way end with their clients.
pub struct Server {
    address: SocketAddr,
    authority: Option<Authority>,
    seen: Arc<Mutex<Vec<Seen>>>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// In plain HTTP.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn http(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, None, Arc::new(answer))
    }

    /// In HTTPS, with a certificate of [`Server::authority`] for 127.0.0.1 and localhost.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn https(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let authority = Authority::new("hostile");
        let tls = Arc::new(tls_of(&authority));
        Self::start(Some(authority), Some(tls), Arc::new(answer))
    }

    fn start(authority: Option<Authority>, tls: Option<Arc<ServerConfig>>, answer: Arc<Answering>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (seen, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, stop) = (Arc::clone(&seen), Arc::clone(&stopped));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (tls, answer, log, stop) = (tls.clone(), answer.clone(), log.clone(), stop.clone());
                // A client that hangs up in the middle is what these tests are about.
                thread::spawn(move || drop(serve(stream, tls, &*answer, &log, &stop)));
            }
        });
        Self { address, authority, seen, stopped, accepting: Some(accepting) }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Who signed its certificate, where it serves https.
    #[must_use]
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// What it was asked so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.seen).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(self.address, &self.stopped, &mut self.accepting);
    }
}

/// A port that keeps whatever arrives and answers nothing: where no request may ever come.
pub struct Sink {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<String>>>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Sink {
    /// A new one.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (arrived, stopped) = (Arc::new(Mutex::new(Vec::<String>::new())), Arc::new(AtomicBool::new(false)));
        let (log, stop) = (Arc::clone(&arrived), Arc::clone(&stopped));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let mut beginning = [0; 2048];
                let read = stream.and_then(|mut stream| {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.read(&mut beginning)
                });
                let length = read.unwrap_or_default();
                locked(&log).push(String::from_utf8_lossy(&beginning[..length]).into_owned());
            }
        });
        Self { address, arrived, stopped, accepting: Some(accepting) }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The beginning of what each connection brought.
    #[must_use]
    pub fn arrived(&self) -> Vec<String> {
        locked(&self.arrived).clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        end(self.address, &self.stopped, &mut self.accepting);
    }
}

fn end(address: SocketAddr, stopped: &AtomicBool, accepting: &mut Option<JoinHandle<()>>) {
    stopped.store(true, Ordering::Relaxed);
    drop(TcpStream::connect(address)); // wakes it up
    if let Some(thread) = accepting.take() {
        drop(thread.join());
    }
}

fn serve(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    answer: &Answering,
    log: &Mutex<Vec<Seen>>,
    stopped: &AtomicBool,
) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    match tls {
        None => exchange(stream, answer, log, stopped),
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            exchange(StreamOwned::new(connection, stream), answer, log, stopped)
        }
    }
}

fn exchange(
    stream: impl Read + Write,
    answer: &Answering,
    log: &Mutex<Vec<Seen>>,
    stopped: &AtomicBool,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let seen = read(&mut stream)?;
    locked(log).push(seen.clone());
    answer(&seen).write(stream.get_mut(), stopped)
}

/// A request; its body is read and dropped.
fn read(stream: &mut impl BufRead) -> io::Result<Seen> {
    let malformed = || io::Error::other("this is no HTTP request");
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut words = lines.first().ok_or_else(malformed)?.split(' ');
    let (method, target) = words.next().zip(words.next()).ok_or_else(malformed)?;
    let headers: Vec<_> = lines[1..].iter().filter_map(|line| line.split_once(':')).collect();
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let seen = Seen { method: method.to_owned(), target: target.to_owned(), headers };
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    io::copy(&mut stream.take(length), &mut io::sink())?;
    Ok(seen)
}

fn tls_of(authority: &Authority) -> ServerConfig {
    let identity = authority.server(&["127.0.0.1", "localhost"]);
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("our own certificate");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("our own key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has these versions").with_no_client_auth();
    builder.with_single_cert(vec![certificate], key).expect("key and certificate belong together")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a connection may be silent, or not take what is written to it.
const PATIENCE: Duration = Duration::from_secs(20);
