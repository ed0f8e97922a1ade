//! A serving process, as a service manager starts, stops and loses it; and how a test waits for it.
//!
//! These tests are in the machine's time, since a process has no other: they wait for what they mean, with a bound, and never
//! for a length of time.

use rollbook_clock::Clock;
use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// No wait may last longer.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// How often it is looked again.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A serving process; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    /// Its node's name.
    pub name: String,
    /// The process.
    pub child: Child,
}

impl Process {
    /// Starts `binary` with these arguments (after `serve --config`) over the configuration in `folder`,
    /// where its log is NAME.log.
    pub fn serve(binary: &str, folder: &Path, name: &str, arguments: &[&str]) -> Self {
        let log = File::create(folder.join(format!("{name}.log"))).unwrap();
        let child = Command::new(binary)
            .arg("serve")
            .args(arguments)
            .arg("--config")
            .arg(folder.join("rollbook.toml"))
            .current_dir(folder)
            .env_clear()
            .env("ROLLBOOK_SERVER_NODE", name)
            .env("ROLLBOOK_LOG", "warn,rollbook=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { name: name.to_owned(), child }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As systemd asks it to stop.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, by its short name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; gives its exit code.
    pub async fn ended(&mut self) -> i32 {
        let timer = Clock::system().timer();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(timer.elapsed() < WAIT_MAX, "{} does not end", self.name);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let timer = Clock::system().timer();
    while !is_so().await {
        assert!(timer.elapsed() < WAIT_MAX, "waited too long until {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
