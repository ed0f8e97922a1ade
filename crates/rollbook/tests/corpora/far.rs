//! The far end: a server on loopback that answers every request with the bytes of the moment.
//!
//! An input that begins with `HTTP/` is the whole answer, sent as it is before the connection is closed; any other is the
//! body of a 200. A check asks through the product's own client, so that nothing of it is left out.

use rollbook_remote::retry::RetryPolicy;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// No check asks twice, or waits.
pub const ONCE: RetryPolicy = RetryPolicy { tries_max: 1, delay: Duration::ZERO, wait_max: Duration::ZERO };
/// More than loopback ever needs, and less than a fuzzer takes for hanging.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// A server and the runtime on which it and its client run.
pub struct Far {
    /// `http://127.0.0.1:port`
    pub url: String,
    runtime: Runtime,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Far {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = Arc::new(Mutex::new(Vec::new()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let given = answer.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = given.lock().unwrap().clone();
                tokio::spawn(give(stream, answer));
            }
        });
        Self { url, runtime, answer }
    }

    /// Asks while every answer is `input`.
    pub fn ask<T>(&self, input: &[u8], asking: impl Future<Output = T>) -> T {
        *self.answer.lock().unwrap() = input.to_vec();
        self.runtime.block_on(asking)
    }
}

/// Whether the input is a whole answer rather than a body.
pub fn is_raw(input: &[u8]) -> bool {
    input.starts_with(b"HTTP/")
}

async fn give(mut stream: TcpStream, answer: Vec<u8>) {
    if hear(&mut stream).await.is_none() {
        return;
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let head = if is_raw(&answer) { "" } else { head.as_str() };
    // A client that has heard enough hangs up; that is its right.
    let _told = stream.write_all(&[head.as_bytes(), &answer].concat()).await;
    let _closed = stream.shutdown().await;
}

/// Reads a whole request; `None` when the client hung up.
async fn hear(stream: &mut TcpStream) -> Option<()> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if heard.len() >= end + 4 + length.unwrap_or(0_usize) {
                return Some(());
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What every error owes the log: one bounded line without control characters, whatever the remote put into it.
pub fn must_be_harmless(error: &(impl Display + Debug)) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(text.chars().count() <= 2_000, "an error of {} characters", text.chars().count());
        assert!(!text.contains(char::is_control), "a control character in {text:?}");
    }
}
