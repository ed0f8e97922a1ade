//! A plain client: it sends what it is told and hides nothing.

use rollbook_sandbox::{ELM_TOKEN, MOODLE_TOKEN, Sandbox, World};
use serde_json::Value;
use std::time::Duration;

pub struct Client {
    http: reqwest::Client,
    pub sandbox: Sandbox,
}

pub type Form = Vec<(String, String)>;

impl Client {
    pub async fn over(world: World) -> Self {
        // A second installation in the same process is refused, which is fine.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(world).await.expect("loopback ports");
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self { http, sandbox }
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub fn rest_url(&self) -> String {
        format!("{}/webservice/rest/server.php", self.sandbox.moodle_url())
    }

    /// A call with the service account's token.
    pub async fn call(&self, function: &str, params: &[(&str, &str)]) -> Value {
        self.call_as(MOODLE_TOKEN, function, &form(params)).await
    }

    pub async fn call_as(&self, token: &str, function: &str, params: &[(String, String)]) -> Value {
        let response = self.post(token, function, params).await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), 200);
        let body = response.text().await.expect("a body");
        serde_json::from_str(&body).expect("JSON")
    }

    pub async fn post(
        &self,
        token: &str,
        function: &str,
        params: &[(String, String)],
    ) -> reqwest::Result<reqwest::Response> {
        let mut body = form(&[("wstoken", token), ("wsfunction", function), ("moodlewsrestformat", "json")]);
        body.extend_from_slice(params);
        self.http.post(self.rest_url()).form(&body).send().await
    }

    /// A page of the feed: status and JSON body.
    pub async fn feed(&self, query: &str) -> (u16, Value) {
        self.get(&format!("{}{query}", self.sandbox.feed_url())).await
    }

    pub async fn get(&self, url: &str) -> (u16, Value) {
        let request = self.http.get(url).header("x-cdata-authtoken", ELM_TOKEN);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    pub async fn complete(&self, body: &Value) -> (u16, Value) {
        let request = self.http.post(self.sandbox.completion_url());
        let request = request.header("x-cdata-authtoken", ELM_TOKEN).json(body);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }
}

pub fn form(params: &[(&str, &str)]) -> Form {
    let owned = params.iter();
    owned.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn code(answer: &Value) -> &str {
    answer["errorcode"].as_str().unwrap_or_default()
}

/// `enrolments[0][roleid]=5…` for pairs of account and course, with further keys for each.
pub fn enrolments(pairs: &[(i64, i64)], more: &[(&str, &str)]) -> Form {
    let mut form = Vec::new();
    for (at, (user, course)) in pairs.iter().enumerate() {
        let key = |name: &str| format!("enrolments[{at}][{name}]");
        for (name, value) in more {
            form.push((key(name), (*value).to_owned()));
        }
        form.push((key("roleid"), "5".to_owned()));
        form.push((key("userid"), user.to_string()));
        form.push((key("courseid"), course.to_string()));
    }
    form
}
