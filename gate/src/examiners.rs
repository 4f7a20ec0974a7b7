//! Who examines: threads of their own, as many as there are processors.
//!
//! Examining is arithmetic, and a stranger decides how much of it. On a thread that serves requests it would keep all
//! others there waiting.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};

pub(crate) struct Examiners(Arc<Semaphore>);

impl Examiners {
    /// One for each processor.
    pub(crate) fn new() -> Self {
        Self::of(available_parallelism().map_or(1, NonZero::get))
    }

    fn of(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// What the work comes to; nothing if it panics. Whoever gives up waiting does not end it, and it counts until then.
    pub(crate) async fn examine<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let examiner = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let done = spawn_blocking(move || {
            let _busy = examiner;
            work()
        });
        done.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn long_work_keeps_nobody_else_waiting() {
        let examiners = Arc::new(Examiners::of(2));
        let (go, until) = mpsc::channel();
        let one = Arc::clone(&examiners);
        let slow = tokio::spawn(async move { one.examine(move || until.recv_timeout(LONG)).await });
        tokio::task::yield_now().await;
        assert_eq!(examiners.examine(|| 7).await, Some(7));
        assert!(!slow.is_finished());
        go.send(8).unwrap();
        assert_eq!(slow.await.unwrap(), Some(Ok(8)));
    }

    #[tokio::test]
    async fn no_more_is_done_at_once_than_there_are_examiners() {
        let examiners = Examiners::of(1);
        let (go, until) = mpsc::channel();
        let abandoned = timeout(SHORT, examiners.examine(move || until.recv_timeout(LONG))).await;
        assert!(abandoned.is_err());
        assert!(timeout(SHORT, examiners.examine(|| 7)).await.is_err(), "what nobody waits for is not over");
        go.send(8).unwrap();
        assert_eq!(timeout(LONG, examiners.examine(|| 7)).await, Ok(Some(7)));
    }

    #[tokio::test]
    async fn panic_is_no_answer_and_its_examiner_goes_on() {
        let examiners = Examiners::of(1);
        for _ in 0..2 {
            assert_eq!(examiners.examine(|| if true { panic!("injected") } else { 7 }).await, None);
        }
        assert_eq!(examiners.examine(|| 7).await, Some(7));
    }
}
