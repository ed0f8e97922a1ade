//! `rollbook serve` over the journal, as a process of its own, and how long each page and search takes at a browser.

use super::made::{at, record};
use jiff::SignedDuration;
use rollbook_clock::Clock;
use rollbook_journal::Journal;
use rollbook_settings::service::RoleName;
use rollbook_web::auth::{hash_secret, make_secret};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// So often each page is asked for, each time for another person, course or moment.
const TIMES: u64 = 100;

struct Served {
    child: Child,
    address: String,
    cookie: String,
    client: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is asked for, for the n-th time.
type Ask = Box<dyn Fn(u64) -> String>;

/// Prints a line a page: median, 99th of a hundred, size; then the process's memory.
pub async fn measure(journal: &Journal, address: &str, total: u64) {
    let folder = tempfile::tempdir().unwrap();
    let served = start(journal, address, folder.path()).await;
    let runs = served.get("/runs").await.0;
    let run = runs.split("href=\"/runs/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    println!("\n| page | median ms | 99th of 100 ms | KiB |\n|---|--:|--:|--:|");
    for (what, ask) in asks(total, run) {
        let mut times = Vec::new();
        let mut bytes = 0;
        for n in 0..TIMES {
            let start = Instant::now();
            let (text, status) = served.get(&ask(n)).await;
            times.push(start.elapsed());
            assert_eq!(status, 200, "{what}: {text}");
            bytes = text.len();
        }
        times.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("| {what} | {:.1} | {:.1} | {} |", ms(times[49]), ms(times[98]), bytes / 1024);
    }
    println!("\nmemory of the process: {}", served.memory());
}

fn asks(total: u64, run: String) -> Vec<(&'static str, Ask)> {
    let person = move |n: u64| record(n * 7_919 % total);
    let search =
        |text: Box<dyn Fn(u64) -> String>| -> Ask { Box::new(move |n| format!("/log?q={}", encoded(&text(n)))) };
    let fixed = |path: &'static str| -> Ask { Box::new(move |_| path.to_owned()) };
    vec![
        ("overview", fixed("/")),
        ("log", fixed("/log")),
        ("log, until a moment", Box::new(move |n| format!("/log?until={}", minute(n * 7_919 % total)))),
        ("log, errors", fixed("/log?status=Error")),
        ("log, errors of a course", Box::new(|n| format!("/log?status=Error&course={}", 930_000 + n))),
        ("log, a course", Box::new(|n| format!("/log?course={}", 930_000 + n))),
        ("log, suspensions", fixed("/log?action=Suspend")),
        ("log, by course", fixed("/log?sort=course&order=up")),
        ("log, by mail", fixed("/log?sort=mail&order=up")),
        ("search, a GUID", search(Box::new(move |n| person(n).guid().to_string()))),
        ("search, a mail address", search(Box::new(move |n| person(n).mail().to_string()))),
        ("search, a part of an address", search(Box::new(|n| format!("doe{}", n * 977)))),
        ("search, a first and a last name", search(Box::new(|n| format!("wei singh{}", n * 31)))),
        (
            "search, a common name",
            search(Box::new(|n| ["jane doe", "müller", "olga"][usize::try_from(n % 3).unwrap()].to_owned())),
        ),
        ("search, a course", search(Box::new(|n| (930_000 + n).to_string()))),
        ("search, a course's short name", search(Box::new(|n| format!("ITEM-{n}-1")))),
        ("search, an enrolment id", search(Box::new(|n| (5_000_000 + n * 7_919).to_string()))),
        ("search, a moment", search(Box::new(move |n| at(n * 7_919 % total * 20).to_string()))),
        ("search, a day", search(Box::new(move |n| at(n * 7_919 % total * 20).to_string()[..10].to_owned()))),
        ("search, a status", search(Box::new(|_| "error".to_owned()))),
        ("search, an action", search(Box::new(|_| "suspend".to_owned()))),
        ("search, nothing there", search(Box::new(|n| format!("nobody {n}")))),
        ("a person's story", Box::new(move |n| format!("/people/elm-ss/{}", encoded(person(n).guid().as_str())))),
        ("courses", fixed("/courses")),
        ("runs", fixed("/runs")),
        ("a run", Box::new(move |_| format!("/runs/{run}"))),
        ("guilds", fixed("/guilds")),
        ("plans", fixed("/plans")),
        ("attention", fixed("/attention")),
        ("completions", fixed("/completions")),
        ("intake by hand", fixed("/intake")),
        ("doctor", fixed("/doctor")),
        ("settings", fixed("/settings")),
        ("accounts", fixed("/accounts")),
    ]
}

fn minute(row: u64) -> String {
    at(row * 20).to_string()[..16].to_owned()
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The program on a free port, logged in.
async fn start(journal: &Journal, address: &str, folder: &Path) -> Served {
    let address = if address.contains(':') { address.to_owned() } else { format!("sqlite:{address}") };
    let config = format!(
        "timezone = \"America/Vancouver\"\n[journal]\nurl = \"{address}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
         [site.elm]\nkind = \"elm\"\nfeed_url = \"http://127.0.0.1:9/feed\"\ntoken = \"x\"\n\
         [site.learning]\nkind = \"moodle\"\nurl = \"http://127.0.0.1:9\"\ntoken = \"x\"\n\
         [link.elm-ss]\nflow = \"intake\"\nfrom = \"elm\"\nto = \"learning\"\nenabled = false\n"
    );
    let file = folder.join("rollbook.toml");
    std::fs::write(&file, config).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let said = folder.join("said");
    let child = Command::new(env!("CARGO_BIN_EXE_rollbook"))
        .args(["serve", "--config", "rollbook.toml"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let (now, secret) = (Clock::system().now(), make_secret());
    // The account is there already where the journal was measured before.
    let _ = journal.accounts().add("reader", RoleName::Administrator, None, "load", now).await;
    let ends = now + SignedDuration::from_hours(5);
    journal.sessions().open("reader", &hash_secret(&secret), ends, now).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut served = Served { child, address: String::new(), cookie: format!("rollbook-session={secret}"), client };
    for _ in 0..600 {
        let text = std::fs::read_to_string(&said).unwrap();
        if let Some(line) = text.lines().find(|line| line.contains(" serves on http")) {
            served.address = line.split_whitespace().next_back().unwrap().to_owned();
            return served;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("serve said nowhere where it listens");
}

impl Served {
    async fn get(&self, path: &str) -> (String, u16) {
        let request = self.client.get(format!("{}{path}", self.address)).header("cookie", &self.cookie);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (answer.text().await.unwrap(), status)
    }

    fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let of = |name: &str| {
            let kib = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            kib.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
        };
        format!("{} MiB now, {} MiB at the most", of("VmRSS:"), of("VmHWM:"))
    }
}
