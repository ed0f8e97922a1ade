//! Carries out what the switchboard decided for one HTTP request.
//!
//! The work itself runs in a task of its own: as with the real servers, a client that hangs up does not stop it.

use std::future::Future;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::stream;

use super::{HOLD_MAX, Kind};
use crate::server::{Cut, Reply};

/// How a server words an error with the given code.
pub(crate) type ErrorReply = fn(&str) -> Reply;

/// What shall go wrong with one call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    slow_ms: u64,
    pub(crate) kind: Option<Kind>,
}

impl Plan {
    pub(crate) fn new(kinds: &[Kind]) -> Self {
        let mut plan = Self::default();
        for &kind in kinds {
            match kind {
                Kind::SlowMs(ms) => plan.slow_ms += ms,
                other => plan.kind = plan.kind.or(Some(other)),
            }
        }
        plan
    }

    /// Milliseconds to wait before the work starts.
    pub(crate) fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms)
    }

    /// Answers one request: the fault before the effect, the effect, or the effect and then the fault.
    pub(crate) async fn answer<F>(self, cut: &Cut, error_reply: ErrorReply, effect: F) -> Response
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        if let Some(early) = self.before(cut, error_reply).await {
            return early.into_response();
        }
        let slow = self.slow();
        let work = tokio::spawn(async move {
            tokio::time::sleep(slow).await;
            effect.await
        });
        let reply = match work.await {
            Ok(reply) => reply,
            Err(_panic) => Reply::html(500, String::new()),
        };
        self.after(reply, cut, error_reply).await
    }

    async fn before(&self, cut: &Cut, error_reply: ErrorReply) -> Option<Reply> {
        match self.kind? {
            Kind::RefuseConnection | Kind::ResetBeforeEffect => Some(reset(cut).await),
            Kind::TimeoutBeforeEffect => Some(wait_for_the_client_to_leave().await),
            Kind::HttpBeforeEffect(status) => Some(Reply::error_page(status)),
            Kind::Html200 => Some(Reply::error_page(200)),
            Kind::ExceptionIn200 { errorcode } => Some(error_reply(errorcode)),
            Kind::TimeoutAfterEffect
            | Kind::ResetAfterEffect
            | Kind::ResetMidBody
            | Kind::HttpAfterEffect(_)
            | Kind::TruncatedJson
            | Kind::ExceptionAfterEffect { .. }
            | Kind::EmptyBody200
            | Kind::SlowMs(_)
            | Kind::HalfBatch
            | Kind::RefuseRecipient
            | Kind::Temporary => None,
        }
    }

    async fn after(&self, mut reply: Reply, cut: &Cut, error_reply: ErrorReply) -> Response {
        match self.kind {
            Some(Kind::TimeoutAfterEffect) => wait_for_the_client_to_leave().await.into_response(),
            Some(Kind::ResetAfterEffect) => reset(cut).await.into_response(),
            Some(Kind::ResetMidBody) => broken_off(reply, cut.clone()),
            Some(Kind::HttpAfterEffect(status)) => Reply::error_page(status).into_response(),
            Some(Kind::TruncatedJson) => {
                reply.body.truncate(reply.body.len() / 2);
                reply.into_response()
            }
            Some(Kind::ExceptionAfterEffect { errorcode }) => error_reply(errorcode).into_response(),
            Some(Kind::EmptyBody200) => Reply::json(200, Vec::new()).into_response(),
            _ => reply.into_response(),
        }
    }
}

/// Waits for the client to give up; hyper drops this future when the connection ends.
async fn wait_for_the_client_to_leave() -> Reply {
    tokio::time::sleep(HOLD_MAX).await;
    Reply::error_page(504)
}

async fn reset(cut: &Cut) -> Reply {
    cut.now();
    tokio::time::sleep(HOLD_MAX).await;
    Reply::error_page(502)
}

/// Announces the whole body, sends half of it, gives it time to leave, and resets the connection.
fn broken_off(reply: Reply, cut: Cut) -> Response {
    let whole = reply.body.len();
    let half = reply.body[..whole / 2].to_vec();
    let halves = stream::unfold(Some(half), move |left| {
        let cut = cut.clone();
        async move {
            match left {
                Some(half) => Some((Ok::<_, std::io::Error>(half), None)),
                None => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    cut.now();
                    Some((Err(std::io::ErrorKind::ConnectionReset.into()), None))
                }
            }
        }
    });
    let mut response = reply.into_response();
    response.headers_mut().insert("content-length", whole.into());
    *response.body_mut() = Body::from_stream(halves);
    response
}
