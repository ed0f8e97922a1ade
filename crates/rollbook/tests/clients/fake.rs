//! A raw server: one scripted reply a connection, every request recorded.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens on one connection, after the whole request was read.
pub enum Reply {
    /// These bytes, then an orderly close.
    Bytes(Vec<u8>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
    /// These bytes, then silence.
    Hang(Vec<u8>),
}

/// A running fake.
pub struct Fake {
    /// `http://127.0.0.1:port`
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Serves the replies in order, one a connection, and then refuses connections.
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut silent = Vec::new();
            for reply in replies {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                seen.lock().unwrap().push(request);
                match reply {
                    Reply::Bytes(bytes) => {
                        stream.write_all(&bytes).await.unwrap();
                        stream.shutdown().await.ok();
                    }
                    Reply::Reset(bytes) => {
                        stream.write_all(&bytes).await.unwrap();
                        stream.set_zero_linger().unwrap();
                    }
                    Reply::Hang(bytes) => {
                        stream.write_all(&bytes).await.unwrap();
                        silent.push(stream);
                    }
                }
            }
            drop(listener);
            std::future::pending::<()>().await;
        });
        Self { url, requests }
    }

    /// The requests so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// An address on which nobody listens.
pub async fn refused_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A reply with status line, headers and body.
pub fn reply(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    Reply::Bytes(bytes(status, headers, body))
}

/// A 200 with a JSON body.
pub fn json(body: impl AsRef<[u8]>) -> Reply {
    reply("200 OK", "Content-Type: application/json\r\n", body)
}

/// The bytes of a reply.
pub fn bytes(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer).await.unwrap() {
            0 => return text,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
