//! Reverse proxies that end a program at the request that is chosen: before it is passed on, or before its answer is.
//!
//! All of them count together, so that "the fifth request" is the fifth of the whole run, whatever service it goes to.
//! They keep their addresses from run to run, so that what is signed has the same name each time.

use std::{
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use tokio::{net::TcpListener, runtime::Runtime, time::sleep};

/// The proxies, and what is counted and done by them. Dropping it ends them.
pub struct Interrupter {
    toll: Arc<Toll>,
    runtime: Runtime,
}

/// When the program is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Never.
    Never,
    /// As soon as this request has come, counted from one, and without passing it on.
    Before(usize),
    /// When this request has been answered, and without passing the answer on.
    After(usize),
}

/// A request that was passed on, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The status of the answer, whether or not it was passed on as well.
    pub status: u16,
}

impl Interrupter {
    /// No proxy yet, and nobody to end.
    ///
    /// # Panics
    /// If threads cannot be started.
    #[must_use]
    pub fn new() -> Self {
        // Somebody else in this process may have done it.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("a client needs nothing");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let toll = Toll { client, run: Mutex::new(Run::until(Moment::Never)) };
        Self { toll: Arc::new(toll), runtime: runtime.expect("threads can be started") }
    }

    /// The address of a new proxy for the service at this address, both as `host:port`.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn in_front_of(&self, service: &str) -> String {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let state = (Arc::clone(&self.toll), format!("http://{service}"));
        let router = Router::new().fallback(pass).with_state(state);
        self.runtime.spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// Begins to count anew: the next program is ended at this moment, once it is known by [`Self::watch`].
    pub fn arm(&self, moment: Moment) {
        *self.toll.run() = Run::until(moment);
    }

    /// Which process is to be ended.
    pub fn watch(&self, pid: u32) {
        self.toll.run().victim = Some(pid);
    }

    /// What was passed on in this run, in order of the answers.
    #[must_use]
    pub fn passed(&self) -> Vec<Passed> {
        self.toll.run().passed.clone()
    }

    /// How many requests came in this run.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.toll.run().requests
    }
}

impl Default for Interrupter {
    fn default() -> Self {
        Self::new()
    }
}

struct Toll {
    client: reqwest::Client,
    run: Mutex<Run>,
}

/// One run of a program.
struct Run {
    moment: Moment,
    victim: Option<u32>,
    requests: usize,
    passed: Vec<Passed>,
}

impl Run {
    fn until(moment: Moment) -> Self {
        Self { moment, victim: None, requests: 0, passed: Vec::new() }
    }
}

async fn pass(State((toll, service)): State<(Arc<Toll>, String)>, request: Request) -> Response {
    let (number, moment) = toll.count();
    if moment == Moment::Before(number) {
        return toll.end().await;
    }
    let answer = toll.forward(&service, request).await;
    if moment == Moment::After(number) {
        return toll.end().await;
    }
    answer
}

impl Toll {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> (usize, Moment) {
        let mut run = self.run();
        run.requests += 1;
        (run.requests, run.moment)
    }

    async fn forward(&self, service: &str, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let (method, target) = (head.method.to_string(), target.to_owned());
        let body = to_bytes(body, MOST).await.expect("bodies of tests are small");
        let asked = self.client.request(head.method, format!("{service}{target}")).headers(head.headers).body(body);
        let answer = asked.send().await.expect("the service answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.expect("the service answers to the end");
        self.run().passed.push(Passed { method, target, status: status.as_u16() });
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        // What says how the body was sent is this proxy's own to say.
        let kept = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
        response.headers_mut().extend(kept.filter(|(name, _)| name != "transfer-encoding" && name != "connection"));
        response
    }

    /// Ends the program the hardest way. What is answered then is for nobody.
    async fn end(&self) -> Response {
        let victim = self.victim().await.to_string();
        let ended = Command::new("kill").args(["-KILL", &victim]).status();
        assert!(ended.is_ok_and(|status| status.success()), "process {victim} cannot be ended");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }

    /// A program may be faster with its first request than the test with its number.
    async fn victim(&self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(victim) = self.run().victim {
                return victim;
            }
            assert!(begun.elapsed() < PATIENCE, "nobody said which process is to be ended");
            sleep(PAUSE).await;
        }
    }
}

const MOST: usize = 64 << 20;
const PAUSE: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(10);
