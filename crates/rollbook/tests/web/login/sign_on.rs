//! Single sign-on against a small real issuer on loopback: it signs its tokens with RS256, as others do.

use crate::browser::Browser;
use crate::stage::Stage;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rollbook::issuer::IssuerClient;
use rollbook_settings::service::RoleName;
use rollbook_web::auth::sign_on::{FetchError, HttpRequest, HttpResponse};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A key that was made for this test only.
const KEY: &[u8] = include_bytes!("issuer.pk8");
/// Its modulus.
const MODULUS: &str = "ulSHDn2Ietis6khcgtURFW0tSmtQ3abwMsHAROC7G_uA-mM0lctc45Uj2A6ssJyTXeXTB0eSUYQSlMF-HdzUzhwozfx94SrfUkICBpyV42IR7GZEUZOY2M2zZr92uzGh1qOxHcS61D2MD9GT_MT1bZDx_zmt_DvrVG1rQ02NofDlrj8Muk40mOU_bah0g0ejFjtfrc28QFa1S3Of0sNkhXi2Iwae2A36TB49HOOif5kNOz7-zad-u--smdpDAtK_QBpQrqunftkzE4tkDgTOufIidPOs24kseAFn2eBXznAilf7-WPvYO0Ewmq5KRLMrBJYJYjADooIZqzomMnE-3Q";

/// What the issuer says of the person who comes next.
#[derive(Clone, Debug)]
struct Says {
    claims: Value,
    /// The challenge that the code is bound to.
    challenge: String,
    /// Whether the signature is right.
    honest: bool,
}

#[derive(Clone)]
struct Issuer {
    url: String,
    says: Arc<Mutex<Says>>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let says = Says { claims: Value::Null, challenge: String::new(), honest: true };
        let issuer = Self { url, says: Arc::new(Mutex::new(says)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        issuer
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys() -> Json<Value> {
    Json(json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": MODULUS, "e": "AQAB"}]}))
}

async fn token(State(issuer): State<Issuer>, Form(form): Form<HashMap<String, String>>) -> (StatusCode, Json<Value>) {
    let says = issuer.says.lock().unwrap().clone();
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if form["code"] != "good" || verifier != says.challenge {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"})));
    }
    let token = sign(&says.claims, says.honest);
    (StatusCode::OK, Json(json!({"access_token": "x", "token_type": "bearer", "id_token": token})))
}

fn sign(claims: &Value, honest: bool) -> String {
    let pair = RsaKeyPair::from_pkcs8(KEY).unwrap();
    let head = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT", "kid": "one"}).to_string());
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    if !honest {
        signature[7] ^= 1;
    }
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn stage(issuer: &Issuer) -> Stage {
    let more = format!(
        r#"[server.oidc]
issuer = "{}"
client_id = "rollbook"
client_secret = "a secret"
claim = "realm.groups"
role = [{{ value = "lms-readers", role = "viewer" }}, {{ value = "lms-admins", role = "administrator" }}]"#,
        issuer.url
    );
    let mut stage = Stage::with_server(&more).await;
    let client = IssuerClient::new(&stage.state.settings.server.oidc.as_ref().unwrap().issuer).unwrap();
    stage.state = stage.state.clone().with_sign_on(Arc::new(move |HttpRequest { method, url, headers, body }| {
        let client = client.clone();
        Box::pin(async move {
            let answer = client.fetch(method, &url, &headers, body).await;
            let answer = answer.map_err(|fault| FetchError(Box::new(fault)))?;
            Ok(HttpResponse { status: answer.status, body: answer.body })
        })
    }));
    stage
}

/// Sends a browser to the issuer, which sends it back with a code; gives the last page.
async fn come_in(browser: &mut Browser, issuer: &Issuer, change: impl FnOnce(&mut Says)) -> crate::browser::Page {
    let sent = browser.get("/login/sign-on?to=%2Fcourses").await;
    let url = sent.location().to_owned();
    assert!(url.starts_with(&format!("{}/authorize?", issuer.url)), "{url}");
    let asked: HashMap<String, String> =
        form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], "http://127.0.0.1:8350/login/sign-on/back");
    let until = crate::stage::start().as_second() + 300;
    let mut says = Says {
        claims: json!({
            "iss": issuer.url, "aud": "rollbook", "sub": "person-1", "exp": until, "iat": until - 300,
            "nonce": asked["nonce"], "preferred_username": "ann", "realm": {"groups": ["others", "lms-readers"]},
        }),
        challenge: asked["code_challenge"].clone(),
        honest: true,
    };
    change(&mut says);
    *issuer.says.lock().unwrap() = says;
    browser.get(&format!("/login/sign-on/back?code=good&state={}", asked["state"])).await
}

#[tokio::test]
async fn person_comes_in_with_the_role_that_the_claim_gives() {
    let issuer = Issuer::start().await;
    let stage = stage(&issuer).await;
    let mut browser = Browser::new(&stage);
    assert!(browser.get("/login").await.body.contains("single sign-on"));
    let page = come_in(&mut browser, &issuer, |_| {}).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/courses"), "{}", page.body);
    assert!(browser.get("/courses").await.body.contains("ann"));
    assert_eq!(stage.journal.accounts().find("ann").await.unwrap().unwrap().role, RoleName::Viewer);
    // The role follows the issuer, and the account does not follow a name.
    let mut browser = Browser::new(&stage);
    let page = come_in(&mut browser, &issuer, |says| {
        says.claims["realm"]["groups"] = json!(["lms-readers", "lms-admins"]);
        says.claims["preferred_username"] = json!("ann.married");
    });
    assert_eq!(page.await.status, StatusCode::SEE_OTHER);
    assert_eq!(stage.journal.accounts().find("ann").await.unwrap().unwrap().role, RoleName::Administrator);
    assert!(stage.journal.accounts().find("ann.married").await.unwrap().is_none());
}

#[tokio::test]
async fn token_that_is_not_believed_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let stage = stage(&issuer).await;
    type Lie = fn(&mut Says);
    let lies: [(&str, Lie); 6] = [
        ("a wrong signature", |says| says.honest = false),
        ("another audience", |says| says.claims["aud"] = json!("another")),
        ("another issuer", |says| says.claims["iss"] = json!("https://evil.example")),
        ("another attempt", |says| says.claims["nonce"] = json!("another")),
        ("long ago", |says| says.claims["exp"] = json!(1_000_000_000)),
        ("a stolen code", |says| says.challenge = "another".to_owned()),
    ];
    for (lie, change) in lies {
        let mut browser = Browser::new(&stage);
        let page = come_in(&mut browser, &issuer, change).await;
        assert!(page.status == StatusCode::FORBIDDEN && page.body.contains("Sign-in refused"), "{lie}: {}", page.body);
        assert_eq!(browser.get("/").await.location(), "/login", "{lie}");
    }
    assert!(stage.journal.accounts().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_comes_in_without_a_role_nor_by_an_attempt_that_is_not_theirs() {
    let issuer = Issuer::start().await;
    let stage = stage(&issuer).await;
    let mut browser = Browser::new(&stage);
    let page = come_in(&mut browser, &issuer, |says| says.claims["realm"] = json!({"groups": ["others"]}));
    let page = page.await;
    assert!(page.status == StatusCode::FORBIDDEN && page.body.contains("no role in Rollbook"), "{}", page.body);
    let mut victim = Browser::new(&stage);
    let page = victim.get("/login/sign-on/back?code=good&state=forged").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    victim.get("/login/sign-on").await;
    let page = victim.get("/login/sign-on/back?code=good&state=forged").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "the state is another's");
    assert!(stage.journal.accounts().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn name_that_the_form_refuses_and_an_unverified_address_make_no_account() {
    let issuer = Issuer::start().await;
    let stage = stage(&issuer).await;
    for name in ["token x", "ann\u{7}", "ann\nbob"] {
        let mut browser = Browser::new(&stage);
        let page = come_in(&mut browser, &issuer, |says| says.claims["preferred_username"] = json!(name));
        let page = page.await;
        assert!(page.status == StatusCode::FORBIDDEN && page.body.contains("account name"), "{name:?}: {}", page.body);
    }
    assert!(stage.journal.accounts().list().await.unwrap().is_empty());
    for (verified, expected) in [(false, "person-1"), (true, "ann@example.org")] {
        let mut browser = Browser::new(&stage);
        let page = come_in(&mut browser, &issuer, |says| {
            says.claims["preferred_username"] = json!("");
            says.claims["email"] = json!("ann@example.org");
            says.claims["email_verified"] = json!(verified);
            says.claims["sub"] = json!(if verified { "person-2" } else { "person-1" });
        });
        assert_eq!(page.await.status, StatusCode::SEE_OTHER);
        assert!(stage.journal.accounts().find(expected).await.unwrap().is_some(), "{expected}");
    }
}

#[tokio::test]
async fn name_of_another_account_is_not_taken_over() {
    let issuer = Issuer::start().await;
    let stage = stage(&issuer).await;
    stage.journal.accounts().add("ann", RoleName::Administrator, None, "cli", stage.now()).await.unwrap();
    let page = come_in(&mut Browser::new(&stage), &issuer, |_| {}).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
}
