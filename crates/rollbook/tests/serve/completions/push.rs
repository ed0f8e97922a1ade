//! A Moodle pushes an event over plain HTTP to a running `rollbook serve`, and the ELM has the completion.

use super::{FIRST_ENROLMENT, enrolled};
use crate::pages::{client, start};
use crate::world::{Process, Scene, link, until};
use rollbook_clock::Clock;
use rollbook_core::model::CompletionKey;
use rollbook_web::events::completion::{PATH, sign};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECRET: &str = "a secret of some length for the tests";
const MORE: &str = "way = \"push\"
[link.done.push]
secret = \"a secret of some length for the tests\"
[server]
listen = \"127.0.0.1:0\"
stop_limit = \"10s\"
";

struct Served {
    scene: Scene,
    process: Process,
    address: String,
}

impl Served {
    async fn new() -> Self {
        let scene = enrolled(MORE).await;
        let (process, address) = start(&scene).await;
        Self { scene, process, address }
    }

    async fn post(&self, secret: &str, seconds: i64, body: &str) -> (u16, String) {
        let mut request = client().post(format!("{}{PATH}", self.address)).header("content-type", "application/json");
        for (name, value) in sign(secret.as_bytes(), seconds, body.as_bytes()) {
            request = request.header(name, value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// As `curl` does: it says how long the body is, and waits whether anybody wants it.
    async fn announce(&self, length: usize) -> String {
        let host = self.address.trim_start_matches("http://");
        let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
        let [(time, seconds), (signature, signed)] = sign(SECRET.as_bytes(), now(), b"{}");
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: {host}\r\n{time}: {seconds}\r\n{signature}: {signed}\r\n\
             content-length: {length}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn end(mut self) {
        self.process.terminate();
        assert_eq!(self.process.ended().await, 0, "{}", self.scene.log("pages"));
        self.scene.end().await;
    }
}

fn now() -> i64 {
    Clock::system().now().as_second()
}

fn event(key: &CompletionKey) -> String {
    json!({"user_id": key.user, "course_id": key.course}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_event_to_the_running_process_brings_the_completion_to_the_elm() {
    let served = Served::new().await;
    let ben = served.scene.complete("ben");
    served.scene.complete("cat");
    let seconds = now();
    let (status, answer) = served.post(SECRET, seconds, &event(&ben)).await;
    assert_eq!((status, answer.as_str()), (202, r#"{"taken":true}"#));
    until("the ELM has it", || async { !served.scene.reported().is_empty() }).await;
    assert_eq!(served.scene.reported(), [FIRST_ENROLMENT + 1], "and nothing of whom no event spoke");
    let (status, _) = served.post(SECRET, seconds, &event(&ben)).await;
    assert_eq!(status, 409, "the same event again is refused");
    until("its run has ended", || async {
        let rows = served.scene.completions().await;
        rows.iter().any(|row| row.standing == "sent" && row.accepted_at.is_some())
    })
    .await;
    served.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_believed_is_refused_and_leaves_nothing() {
    let served = Served::new().await;
    let ann = served.scene.complete("ann");
    let body = event(&ann);
    let requests = served.scene.all_requests().await.len();
    assert_eq!(served.post("another secret of some length", now(), &body).await.0, 401);
    assert_eq!(served.post(SECRET, now() - 3_600, &body).await.0, 401, "an old time");
    assert_eq!(served.post(SECRET, now() + 3_600, &body).await.0, 401);
    let unsigned = client().post(format!("{}{PATH}", served.address)).body(body.clone()).send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 401);
    let answer = served.announce(10 * 1024 * 1024).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let long = " ".repeat(17 * 1024);
    assert_eq!(served.post(SECRET, now(), &long).await.0, 413);
    assert_eq!(served.post(SECRET, now(), "{\"user_id\": 1}").await.0, 400, "rightly signed, and about nobody");
    assert_eq!(served.scene.journal.completions().pending_events(&link("done"), 9).await.unwrap(), []);
    let later = served.scene.all_requests().await;
    let checks = later.iter().filter(|request| request.job.kind() == "check_completions").count();
    assert_eq!((checks, served.scene.reported(), later.len() >= requests), (0, vec![], true));
    // And the process still takes what is right.
    assert_eq!(served.post(SECRET, now(), &body).await.0, 202);
    until("the ELM has it", || async { served.scene.reported() == [FIRST_ENROLMENT] }).await;
    served.end().await;
}
