//! One server of a private Sigstore, on free ports that it must be told.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::http::{Answer, exchange};
use crate::process::{NotReady, Process, command};

/// A running server.
#[derive(Debug)]
pub(super) struct Service {
    address: SocketAddr,
    _process: Process,
}

/// When a server counts as started.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ready {
    /// When this path is answered with 200.
    Answers(&'static str),
    /// When it takes connections; it does not speak plain HTTP.
    Listens,
}

impl Service {
    /// Starts the program with the arguments for its two ports, of which clients use the first. Somebody else may
    /// take one of them first; then it is started again with others.
    pub(super) fn start(
        name: &str,
        program: &str,
        folder: &Path,
        ready: Ready,
        arguments: impl Fn([u16; 2]) -> Vec<String>,
    ) -> Self {
        for _ in 0..ATTEMPTS {
            let ports = free_ports();
            let mut command = command(program);
            command.args(arguments(ports)).current_dir(folder).env("HOME", folder);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports[0]));
            let mut process = Process::start(name, command, folder);
            match process.ready(START, || ready.holds(address).then_some(())) {
                Ok(()) => return Self { address, _process: process },
                Err(NotReady::Ended(_)) if lost_port(&process.log(), ports) => {}
                Err(why) => panic!("{name} is not ready: {why:?}; its log:\n{}", process.log()),
            }
        }
        panic!("{name} found no free port in {ATTEMPTS} attempts")
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Ready {
    fn holds(self, address: SocketAddr) -> bool {
        match self {
            Self::Answers(path) => get(address, path).is_ok_and(|answer| answer.status == 200),
            Self::Listens => TcpStream::connect(address).is_ok(),
        }
    }
}

pub(super) fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    exchange(stream, "GET", path, &[])
}

/// Whether one of these was taken. A port that it insists on would be taken the next time as well.
fn lost_port(log: &str, ports: [u16; 2]) -> bool {
    log.lines().any(|line| {
        line.contains("address already in use") && ports.iter().any(|port| line.contains(&format!(":{port}")))
    })
}

fn free_ports() -> [u16; 2] {
    // Both are held until both are known, so that they differ.
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port"));
    listeners.map(|listener| listener.local_addr().expect("a listener has an address").port())
}

const ATTEMPTS: u32 = 3;
const START: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_of_its_own_is_lost() {
        let log = "listen tcp 127.0.0.1:4711: bind: address already in use\nother :4713";
        assert!(lost_port(log, [4711, 4712]) && lost_port(log, [4710, 4711]));
        assert!(!lost_port(log, [4713, 4714]));
        assert!(!lost_port("listen tcp :2112: bind: address already in use", [4711, 4712]));
    }

    #[test]
    fn the_ports_differ() {
        let [one, other] = free_ports();
        assert_ne!(one, other);
    }
}
