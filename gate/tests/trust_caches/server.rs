//! A web server on loopback that has some files, and writes down what it is asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// It ends when it is dropped.
pub(crate) struct Server {
    address: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files = Arc::new(Mutex::new(files.clone()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (had, noted) = (files.clone(), asked.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, had.clone(), noted.clone()));
            }
        });
        Self { address, files, asked, task }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// From now on it has these files.
    pub(crate) fn has(&self, files: &BTreeMap<String, Vec<u8>>) {
        *self.files.lock().unwrap() = files.clone();
    }

    /// What it was asked for since this was called last.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request and its answer; `None` when the other side is gone.
async fn answer(
    mut stream: TcpStream,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let path = lines.next_line().await.ok()??.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    while !lines.next_line().await.ok()??.is_empty() {}
    asked.lock().unwrap().push(path.clone());
    let found = files.lock().unwrap().get(&path).cloned();
    let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
    let body = found.unwrap_or_default();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()
}
