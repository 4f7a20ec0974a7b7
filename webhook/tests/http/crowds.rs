//! Callers that send a body slowly or never: they wait by themselves, and not for long.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::world::{World, created};

/// A connection on which a body of the greatest size is announced, waited for by the webhook, and begun.
async fn half_sent(webhook: SocketAddr, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(webhook).await.unwrap();
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n", 4 << 20);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut heard = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("the webhook asks for the body").unwrap();
    assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{").await.unwrap();
    stream
}

fn is_unanswered(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn half_sent_bodies_keep_no_review_waiting() {
    let world = World::new().await;
    let image = world.name("open/app:1");
    world.push("open/app", "1", "app").await;
    let half_sent = (0..200).map(|_| half_sent(world.webhook, "/mutate?timeout=30s"));
    let streams = futures::future::join_all(half_sent).await;
    assert_eq!(world.ask("/mutate?timeout=30s", &created(&[&image])).await["allowed"], true);
    // More than there are turns: had each taken one, none would have been left for the review.
    assert!(streams.iter().filter(|stream| is_unanswered(stream)).count() > 128);
}

#[tokio::test]
async fn half_sent_body_is_given_up_long_before_the_review_is_due() {
    let world = World::without_policy().await;
    let mut stream = half_sent(world.webhook, "/validate?timeout=30s").await;
    let mut heard = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("an answer").unwrap();
    assert_eq!(&heard, b"HTTP/1.1 408");
    let counted = world.get("/metrics").await;
    assert_eq!(counted.0, StatusCode::OK);
    assert!(counted.1.contains("sealgate_reviews_total{hook=\"validate\",outcome=\"malformed\"} 1"), "{}", counted.1);
}

const PATIENCE: Duration = Duration::from_secs(15);
