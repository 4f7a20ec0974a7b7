//! A mirror on loopback that writes down what it is asked for, and misbehaves when told to.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
};

use crate::repository::Files;

/// A mirror. It ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// What it does with a request for the file it is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Closes the connection.
    HangsUp,
    /// Says nothing, and keeps the connection.
    Silent,
    /// Says half of it, and keeps the connection.
    Stalls,
    /// Says it, and then never stops talking.
    Endless,
    /// Has an error of its own.
    Busy,
}

struct State {
    files: Mutex<Files>,
    fault: Mutex<Option<(&'static str, Fault)>>,
    asked: Mutex<Vec<String>>,
    kept: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Server {
    /// Starts it with these files.
    pub(crate) fn start(files: &Files) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            files: Mutex::new(files.clone()),
            fault: Mutex::default(),
            asked: Mutex::default(),
            kept: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let shared = state.clone();
        let thread = Some(thread::spawn(move || serve(&listener, &shared)));
        Self { address, state, thread }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The name of the folder that a cache of it has.
    pub(crate) fn folder(&self) -> String {
        self.address.to_string().replace(':', "-")
    }

    /// From now on it has these files.
    pub(crate) fn has(&self, files: &Files) {
        *self.state.files.lock().unwrap() = files.clone();
    }

    /// From now on it does this with requests whose path ends so.
    pub(crate) fn fails(&self, path: &'static str, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some((path, fault));
    }

    /// What it was asked for since this was called last.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.ended.store(true, SeqCst);
        // wakes it
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming().flatten() {
        if state.ended.load(SeqCst) {
            return;
        }
        let state = state.clone();
        // a client that leaves in the middle is none of our business
        thread::spawn(move || answer(stream, &state));
    }
}

fn answer(mut stream: TcpStream, state: &State) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let line = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    while !lines.next().unwrap_or_else(|| Ok(String::new()))?.is_empty() {}
    state.asked.lock().unwrap().push(path.clone());
    let body = state.files.lock().unwrap().get(&path).cloned();
    let fault = state.fault.lock().unwrap().filter(|(suffix, _)| path.ends_with(suffix)).map(|(_, fault)| fault);
    match fault {
        None => write(&mut stream, if body.is_some() { "200 OK" } else { "404 Not Found" }, &body.unwrap_or_default()),
        Some(Fault::Busy) => write(&mut stream, "503 Service Unavailable", b"come back later"),
        Some(Fault::HangsUp) => Ok(()),
        Some(Fault::Endless) => talk(&mut stream, &body.unwrap_or_default()),
        Some(Fault::Silent) => keep(stream, state),
        Some(Fault::Stalls) => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{{")?;
            keep(stream, state)
        }
    }
}

fn write(stream: &mut TcpStream, status: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)
}

/// Until the other side has had enough.
fn talk(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    loop {
        stream.write_all(&[b' '; 64 * 1024])?;
    }
}

fn keep(stream: TcpStream, state: &State) -> io::Result<()> {
    state.kept.lock().unwrap().push(stream);
    Ok(())
}
