//! As much of a browser as the tests need: cookies, forms with their tokens, redirects one at a time.

use crate::stage::Stage;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use rollbook_settings::service::RoleName;
use rollbook_web::auth::{hash_secret, make_secret};
use std::collections::BTreeMap;
use tower_service::Service;

/// What came back.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it sends one.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The token of its forms.
    pub fn token(&self) -> Option<String> {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"")?;
        rest.split_once('"').map(|(token, _)| token.to_owned())
    }
}

/// Somebody's browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    pub more: Vec<(&'static str, String)>,
}

impl Browser {
    /// Nobody is logged in.
    pub fn new(stage: &Stage) -> Self {
        Self { router: rollbook_web::router(stage.state.clone()), cookies: BTreeMap::new(), more: Vec::new() }
    }

    /// Somebody of this role is logged in, by a link.
    pub async fn of(stage: &Stage, role: RoleName) -> Self {
        let name = role.as_str();
        if stage.journal.accounts().find(name).await.unwrap().is_none() {
            stage.journal.accounts().add(name, role, None, "test", stage.now()).await.unwrap();
        }
        let secret = make_secret();
        let until = stage.now() + jiff::SignedDuration::from_mins(5);
        stage.journal.accounts().add_login_link(name, &hash_secret(&secret), until, "test", stage.now()).await.unwrap();
        let mut browser = Self::new(stage);
        let path = format!("/login/link/{secret}");
        let page = browser.get(&path).await;
        let answer = browser.send_form(&path, &[("csrf", &page.token().unwrap())]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
        browser
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form with the token that every page of this session has.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get("/").await.token().expect("nobody is logged in");
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        self.send_form(path, &fields).await
    }

    pub async fn send_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn send(&mut self, mut request: Request<Body>) -> Page {
        if !request.headers().contains_key(header::HOST) {
            request.headers_mut().insert(header::HOST, HeaderValue::from_static("127.0.0.1:8350"));
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        for (name, value) in &self.more {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let answer = self.router.call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(body, 64 * 1024 * 1024).await.unwrap();
        Page { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }
}
