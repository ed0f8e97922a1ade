//! A real HTTP server on loopback that takes what is posted or asked, and answers as it is told.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio_util::task::AbortOnDropHandle;

#[derive(Default)]
struct Seen {
    status: u16,
    taken: Vec<Bytes>,
}

pub struct Hook {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _server: AbortOnDropHandle<()>,
}

impl Hook {
    pub async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Seen { status: 200, taken: Vec::new() }));
        let router = Router::new().fallback(answer).with_state(seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, _server: AbortOnDropHandle::new(server) }
    }

    /// An address with a key in it, as such addresses have.
    pub fn url(&self) -> String {
        format!("http://{}/services/a-key", self.address)
    }

    pub fn answers(&self, status: u16) {
        self.seen.lock().unwrap().status = status;
    }

    /// How many requests were answered well.
    pub fn taken(&self) -> usize {
        self.seen.lock().unwrap().taken.len()
    }

    pub fn bodies(&self) -> Vec<Value> {
        self.seen.lock().unwrap().taken.iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
    }
}

async fn answer(State(seen): State<Arc<Mutex<Seen>>>, body: Bytes) -> StatusCode {
    let mut seen = seen.lock().unwrap();
    let status = StatusCode::from_u16(seen.status).unwrap();
    if status.is_success() {
        seen.taken.push(body);
    }
    status
}
