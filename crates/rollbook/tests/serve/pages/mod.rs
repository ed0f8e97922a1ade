//! The pages behind the process: where it says it listens somebody answers, with its own certificate too, and it goes with the
//! process.

mod flood;
mod readers;

use crate::world::{Process, Scene, until};
use rollbook_sandbox::World;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Made for these tests alone, until the year 2126: a key that everybody knows.
const CERTIFICATE: &str = include_str!("certificate.pem");
const KEY: &str = include_str!("key.pem");
/// Another pair of that kind.
const RENEWED: &str = include_str!("renewed.pem");
const RENEWED_KEY: &str = include_str!("renewed-key.pem");

/// Starts the process with its pages on a free port; gives it with the address that it names.
pub async fn start(scene: &Scene) -> (Process, String) {
    start_with_files(scene, 1_024).await
}

/// The same, where the process may have so many files open.
pub async fn start_with_files(scene: &Scene, files: u32) -> (Process, String) {
    let said = scene.folder.path().join("said");
    let child = Command::new("/bin/sh")
        .args(["-c", &format!("ulimit -n {files}; exec \"$0\" serve --config \"$1\"")])
        .arg(env!("CARGO_BIN_EXE_rollbook"))
        .arg(scene.config())
        .current_dir(scene.folder.path())
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&said).unwrap())
        .stderr(std::fs::File::create(scene.folder.path().join("pages.log")).unwrap())
        .spawn()
        .unwrap();
    let process = Process { name: "pages".to_owned(), child };
    let address = || {
        let text = std::fs::read_to_string(&said).unwrap();
        let line = text.lines().find(|line| line.contains(" serves on http"))?.to_owned();
        line.split_whitespace().next_back().map(str::to_owned)
    };
    until("it says where it listens", || async { address().is_some() }).await;
    (process, address().unwrap())
}

/// As plain as a client can be.
pub fn client() -> reqwest::Client {
    rollbook_remote::http::install_tls();
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
    builder.danger_accept_invalid_certs(true).redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_page_is_served_where_the_process_says_and_until_it_ends() {
    let scene = Scene::sqlite(World::empty(), "[server]\nlisten = \"127.0.0.1:0\"\nstop_limit = \"10s\"\n").await;
    let (mut process, address) = start(&scene).await;
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    let answer = client().get(format!("{address}/login")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("<form"));
    process.terminate();
    assert_eq!(process.ended().await, 0, "{}", scene.log("pages"));
    assert!(client().get(format!("{address}/login")).send().await.is_err());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_certificate_is_shown_and_a_stuck_handshake_keeps_nobody_out() {
    let more =
        "[server]\nlisten = \"127.0.0.1:0\"\n[server.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
    let scene = Scene::sqlite(World::empty(), more).await;
    std::fs::write(scene.folder.path().join("certificate.pem"), CERTIFICATE).unwrap();
    std::fs::write(scene.folder.path().join("key.pem"), KEY).unwrap();
    let (_process, address) = start(&scene).await;
    let (scheme, place) = address.split_once("://").unwrap();
    assert_eq!(scheme, "https");
    // Somebody connects and says nothing.
    let _silent = std::net::TcpStream::connect(place).unwrap();
    let answer = client().get(format!("{address}/login")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let plain = client().get(format!("http://{place}/login")).send().await;
    assert!(plain.is_err(), "nothing is served in the clear: {plain:?}");
    scene.end().await;
}

/// What a new connection is shown.
async fn shown(address: &str) -> Vec<u8> {
    rollbook_remote::http::install_tls();
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).tls_info(true);
    let client = builder.danger_accept_invalid_certs(true).build().unwrap();
    let answer = client.get(format!("{address}/login")).send().await.unwrap();
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewed_certificate_is_taken_without_a_restart_and_a_wrong_one_is_not() {
    let more =
        "[server]\nlisten = \"127.0.0.1:0\"\n[server.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
    let scene = Scene::sqlite(World::empty(), more).await;
    let write = |chain: &str, key: &str| {
        std::fs::write(scene.folder.path().join("certificate.pem"), chain).unwrap();
        std::fs::write(scene.folder.path().join("key.pem"), key).unwrap();
    };
    write(CERTIFICATE, KEY);
    let (mut process, address) = start(&scene).await;
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
    assert_eq!(shown(&address).await, der(CERTIFICATE));
    write("half of a certif", KEY);
    process.signal("HUP");
    until("it says that the new one cannot be used", || async {
        scene.log("pages").contains("the new certificate cannot be used; the one in use stays")
    })
    .await;
    assert_eq!(shown(&address).await, der(CERTIFICATE));
    write(RENEWED, RENEWED_KEY);
    process.signal("HUP");
    until("the new one is shown", || async { shown(&address).await == der(RENEWED) }).await;
    process.terminate();
    assert_eq!(process.ended().await, 0, "{}", scene.log("pages"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewed_certificate_is_found_by_the_running_process_itself() {
    let more =
        "[server]\nlisten = \"127.0.0.1:0\"\n[server.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
    let scene = Scene::sqlite(World::empty(), more).await;
    let write = |name: &str, text: &str| std::fs::write(scene.folder.path().join(name), text).unwrap();
    write("certificate.pem", CERTIFICATE);
    write("key.pem", KEY);
    let (_process, address) = start(&scene).await;
    // As a renewal writes them: one after the other, and nobody sends a signal.
    write("certificate.pem", RENEWED);
    until("it has looked between the two", || async { scene.log("pages").contains("the one in use stays") }).await;
    write("key.pem", RENEWED_KEY);
    let renewed = CertificateDer::from_pem_slice(RENEWED.as_bytes()).unwrap().to_vec();
    until("the new one is shown", || async { shown(&address).await == renewed }).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reload_without_a_certificate_ends_nothing() {
    let scene = Scene::sqlite(World::empty(), "[server]\nlisten = \"127.0.0.1:0\"\nstop_limit = \"10s\"\n").await;
    let (mut process, address) = start(&scene).await;
    process.signal("HUP");
    for _ in 0..20 {
        assert_eq!(client().get(format!("{address}/login")).send().await.unwrap().status(), 200);
    }
    process.terminate();
    assert_eq!(process.ended().await, 0, "{}", scene.log("pages"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn address_that_is_taken_is_an_error_that_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let more = format!("[server]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
    let scene = Scene::sqlite(World::empty(), &more).await;
    let output = Command::new(env!("CARGO_BIN_EXE_rollbook"))
        .args(["serve", "--config"])
        .arg(scene.config())
        .env_clear()
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("cannot listen on"), "{said}");
    scene.end().await;
}
