//! Chromium by its driver: the few commands of WebDriver that the tour needs, and the browser's own for size, theme, pictures.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const AXE: &str = include_str!("axe.min.js");
/// Something that does not come within so many looks will not come.
const LOOKS_MAX: usize = 600;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub struct Driver {
    child: Child,
    client: reqwest::Client,
    session: String,
    base: String,
}

impl Driver {
    /// Starts the driver on a free port, and a browser.
    pub async fn start(base: &str) -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is no chromedriver: run the suite with ./dev test, which installs it");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.into_iter().find_map(|line| {
            line.rsplit_once("started successfully on port ").map(|(_, port)| port.trim_end_matches('.').to_owned())
        });
        let url = format!("http://127.0.0.1:{}", port.expect("chromedriver names its port"));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().unwrap();
        let chrome = json!({
            "binary": "/usr/bin/chromium",
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"],
            "prefs": {"download.default_directory": "/nonexistent"},
        });
        let asked = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": chrome}}});
        let answer: Value =
            client.post(format!("{url}/session")).json(&asked).send().await.unwrap().json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}")).to_owned();
        Self { child, client, session: format!("{url}/session/{id}"), base: base.to_owned() }
    }

    async fn send(&self, path: &str, body: Value) -> Value {
        let answer = self.client.post(format!("{}/{path}", self.session)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        if answer["value"]["error"].is_string() {
            panic!("{path}: {}", answer["value"]["message"]);
        }
        answer["value"].clone()
    }

    async fn cdp(&self, cmd: &str, params: Value) -> Value {
        self.send("goog/cdp/execute", json!({"cmd": cmd, "params": params})).await
    }

    /// Opens a path of the site.
    pub async fn open(&self, path: &str) {
        self.send("url", json!({"url": format!("{}{path}", self.base)})).await;
    }

    /// Where the browser is now: path and query.
    pub async fn path(&self) -> String {
        self.script("return location.pathname + location.search").await.as_str().unwrap().to_owned()
    }

    /// What a script gives.
    pub async fn script(&self, script: &str) -> Value {
        self.send("execute/sync", json!({"script": script, "args": []})).await
    }

    /// Waits until a script says true.
    pub async fn until(&self, what: &str) {
        for _ in 0..LOOKS_MAX {
            if self.script(&format!("return Boolean({what})")).await == true {
                return;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let text = self.script("return location.pathname + '\\n' + document.body.innerText").await;
        panic!("it never came to {what}; the page: {text}");
    }

    /// Waits until the page says something.
    pub async fn sees(&self, text: &str) {
        // A style may set it in capitals.
        let text = json!(text.to_lowercase());
        self.until(&format!("document.body && document.body.innerText.toLowerCase().includes({text})")).await;
    }

    async fn element(&self, css: &str) -> String {
        self.until(&format!("document.querySelector({})", json!(css))).await;
        let found = self.send("element", json!({"using": "css selector", "value": css})).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Clicks what a selector finds first, as a person would: it must be in sight.
    pub async fn click(&self, css: &str) {
        let id = self.element(css).await;
        self.send(&format!("element/{id}/click"), json!({})).await;
    }

    /// Clicks the link or button with this text.
    pub async fn press(&self, text: &str) {
        let find = format!(
            "[...document.querySelectorAll('button, a')].find(found => found.checkVisibility() \
             && (found.innerText.trim() === {0} || found.innerText.trim().startsWith({0})))",
            json!(text)
        );
        self.until(&find).await;
        self.script(&format!("{find}.setAttribute('data-pressed', 'yes')")).await;
        self.click("[data-pressed]").await;
    }

    /// Writes into a field.
    pub async fn write(&self, css: &str, text: &str) {
        let id = self.element(css).await;
        self.send(&format!("element/{id}/clear"), json!({})).await;
        self.send(&format!("element/{id}/value"), json!({"text": text})).await;
    }

    /// Gives the page this size, and says which theme the person prefers.
    pub async fn look_as(&self, (width, height): (u32, u32), theme: &str) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]});
        self.cdp("Emulation.setEmulatedMedia", media).await;
    }

    /// From the next page on no page may run a script.
    pub async fn without_scripts(&self) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// Moves the pointer over what a selector finds first.
    pub async fn point_at(&self, css: &str) {
        let id = self.element(css).await;
        let origin = json!({"element-6066-11e4-a52e-4f735466cecf": id});
        let step = json!({"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin});
        let pointer = json!({"type": "pointer", "id": "mouse", "actions": [step]});
        self.send("actions", json!({"actions": [pointer]})).await;
    }

    /// What is downloaded lands in this folder.
    pub async fn keep_downloads_in(&self, folder: &Path) {
        self.cdp("Browser.setDownloadBehavior", json!({"behavior": "allow", "downloadPath": folder})).await;
    }

    /// Waits for the one file that was downloaded.
    pub async fn downloaded(&self, folder: &Path) -> PathBuf {
        for _ in 0..LOOKS_MAX {
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            if let Some(file) = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "csv")) {
                return file;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        panic!("nothing was downloaded");
    }

    /// Takes a picture of the whole page.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let sizes = self.cdp("Page.getLayoutMetrics", json!({})).await;
        let content = &sizes["cssContentSize"];
        let height = content["height"].as_f64().unwrap().min(6_000.0);
        let clip = json!({"x": 0, "y": 0, "width": content["width"], "height": height, "scale": 1});
        let asked = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let data = self.cdp("Page.captureScreenshot", asked).await["data"].as_str().unwrap().to_owned();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screens");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, unpack(&data)).unwrap();
        path
    }

    /// What axe holds against the page.
    pub async fn faults(&self) -> Vec<String> {
        self.script(&format!("if (!window.axe) {{ {AXE} }}")).await;
        let run = "const done = arguments[arguments.length - 1];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { runOnly: { type: 'tag', values: tags } }).then(
                found => done(found.violations.map(fault => fault.id + ': ' + fault.nodes.slice(0, 3).map(
                    node => node.target.join(' ') + ' (' + node.failureSummary + ')').join('; '))),
                error => done(['axe could not run: ' + error]));";
        let found = self.send("execute/async", json!({"script": run, "args": []})).await;
        found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
    }

    /// The page's own errors since the last question: what a policy refused, what a script threw.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.send("se/log", json!({"type": "browser"})).await;
        let severe = log.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE");
        let told = severe.map(|line| line["message"].as_str().unwrap_or_default().to_owned());
        // A page that is not there, or a form that is refused, is a part of the tour.
        told.filter(|message| !message.contains("the server responded with a status of 4")).collect()
    }
}

impl Drop for Driver {
    /// The browser is the driver's child: the driver must end it, before it is ended itself.
    fn drop(&mut self) {
        let _ended = self.quit();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Driver {
    fn quit(&self) -> std::io::Result<()> {
        let address = self.session.trim_start_matches("http://");
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

/// Base64 → bytes.
fn unpack(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => u32::from(letter - b'A'),
        b'a'..=b'z' => u32::from(letter - b'a') + 26,
        b'0'..=b'9' => u32::from(letter - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let letters: Vec<u8> = text.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=').collect();
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    for four in letters.chunks(4) {
        let bits = four.iter().fold(0, |bits, letter| bits << 6 | value(*letter)) << (6 * (4 - four.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}
