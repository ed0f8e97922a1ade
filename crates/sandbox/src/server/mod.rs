//! The HTTP floor under the stand-ins: a listener whose connections can be cut, and plain replies.

pub(crate) mod form;
mod http;
mod listener;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use http::{HttpRequest, Reply};
pub(crate) use listener::Cut;

use crate::calls::CallLog;
use crate::faults::Faults;
use crate::world::World;
use listener::{CutListener, Cuts};

/// What all servers of one sandbox share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) faults: Faults,
    pub(crate) calls: CallLog,
}

impl Shared {
    pub(crate) fn new(world: World) -> Arc<Self> {
        Arc::new(Self { world: Mutex::new(world), faults: Faults::default(), calls: CallLog::default() })
    }

    /// The world; a panic while it was held elsewhere does not lock everybody out.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bound port that does not serve yet, so that addresses are known before the first request.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    port: u16,
}

impl Bound {
    pub(crate) async fn on_loopback(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn into_listener(self) -> TcpListener {
        self.listener
    }

    /// Serves every path and method through `handle`.
    pub(crate) fn serve<H, F>(self, shared: Arc<Shared>, handle: H) -> Running
    where
        H: Fn(Arc<Shared>, Cut, Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let cuts = Cuts::default();
        let listener = CutListener::new(self.listener, cuts.clone());
        let router = Router::new()
            .fallback(move |ConnectInfo(cut): ConnectInfo<Cut>, request: Request| handle(shared.clone(), cut, request));
        let service = router.into_make_service_with_connect_info::<Cut>();
        let task = tokio::spawn(async move {
            // Serving ends only when the task is aborted.
            let _ended = axum::serve(listener, service).await;
        });
        Running { task, cuts }
    }
}

/// A serving port; dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct Running {
    task: JoinHandle<()>,
    cuts: Cuts,
}

impl Running {
    /// A server without connections of its own to cut.
    pub(crate) fn of(task: JoinHandle<()>) -> Self {
        let cuts = Cuts::default();
        Self { task, cuts }
    }

    /// Closes the port and every connection, and waits until the port refuses.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let _cancelled = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.cuts.all_now();
    }
}
