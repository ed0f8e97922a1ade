//! Floods from one machine: half requests, connections that say nothing, wrong logins. Others are served meanwhile, the schedule
//! runs, and neither descriptors nor memory are used up.

use super::{client, start, start_with_files};
use crate::world::{Scene, link, run_now, until};
use rollbook_clock::Clock;
use rollbook_journal::requests::RequestState;
use rollbook_sandbox::World;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Fewer than the connections of the flood.
const FILES: u32 = 256;
const FLOOD: usize = 300;
/// A page that is served by a machine under load, at most.
const PROMPT: Duration = Duration::from_secs(5);
const MORE: &str = "[server]\nlisten = \"127.0.0.1:0\"\nlogin_tries = 100\nstop_limit = \"10s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_requests_keep_nobody_out_and_are_closed() {
    let scene = Scene::sqlite(World::empty(), MORE).await;
    let (_process, base) = start_with_files(&scene, FILES).await;
    let place = base.strip_prefix("http://").unwrap().to_owned();
    let half = |number: usize| {
        let mut stream = TcpStream::connect(&place).unwrap();
        // Every third says nothing at all.
        if !number.is_multiple_of(3) {
            stream.write_all(b"GET /login HTTP/1.1\r\nHost: here\r\nX-Slow: ").unwrap();
        }
        stream
    };
    let flood: Vec<TcpStream> = (0..FLOOD).map(half).collect();
    for _ in 0..10 {
        for path in ["/login", "/healthz", "/readyz"] {
            // A new connection each time, as a browser that comes now has it.
            let answer = tokio::time::timeout(PROMPT, client().get(format!("{base}{path}")).send()).await;
            assert_eq!(answer.expect("in time").unwrap().status(), 200, "{path}: {}", scene.log("pages"));
        }
    }
    let id = scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap();
    scene.finished(&[id]).await;
    let request = scene.journal.requests().find(id).await.unwrap().unwrap();
    assert_eq!(request.state, RequestState::Done, "the work goes on: {request:#?}");
    assert!(!scene.log("pages").contains("unable to open"), "{}", scene.log("pages"));
    until("each half request is closed", || async {
        flood.iter().all(|stream| {
            let mut stream = stream;
            stream.set_nonblocking(true).unwrap();
            let mut answer = [0; 512];
            // An end, a reset, or an answer that says why.
            !matches!(stream.read(&mut answer), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
        })
    })
    .await;
    assert!(scene.settings().links.contains_key(&link("psa")));
    scene.end().await;
}

/// The process's memory, in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

async fn wrong_logins(base: &str, from: usize, count: usize) {
    let mut tries = tokio::task::JoinSet::new();
    for number in from..from + count {
        let base = base.to_owned();
        tries.spawn(async move {
            let client = client();
            let answer = client.get(format!("{base}/login")).send().await.unwrap();
            let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
            let page = answer.text().await.unwrap();
            let token = page.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
            let form = [("csrf", token), ("name", format!("name{number}")), ("password", "wrong".to_owned())];
            let login = client.post(format!("{base}/login")).header("cookie", cookie).form(&form);
            assert_eq!(login.send().await.unwrap().status(), 422);
        });
    }
    tries.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_logins_use_the_same_memory_again() {
    let scene = Scene::sqlite(World::empty(), MORE).await;
    let (process, base) = start(&scene).await;
    wrong_logins(&base, 0, 6).await;
    let few = resident(process.child.id());
    wrong_logins(&base, 6, 90).await;
    let many = resident(process.child.id());
    // A block of argon2 is 19 MiB; in each of many threads' arenas it would be several times this.
    assert!(many < few * 3 / 2, "{few} KiB after 6 logins, {many} KiB after 96");
    scene.end().await;
}
