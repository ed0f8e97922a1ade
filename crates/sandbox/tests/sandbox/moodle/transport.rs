//! Moodle's REST layer: parameters, envelopes, and what the web server answers on its own.

use crate::client::{Client, code, enrolments, form};
use rollbook_sandbox::moodle::{Maintenance, Release};
use rollbook_sandbox::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, Server, World};
use serde_json::{Value, json};

const LOOKUP: &str = "core_user_get_users_by_field";
const INFO: &str = "core_webservice_get_site_info";

async fn empty() -> Client {
    Client::over(World::empty()).await
}

/// Status, content type and text of a form post.
async fn raw(client: &Client, url: &str, params: &[(&str, &str)]) -> (u16, String, String) {
    let response = client.http().post(url).form(params).send().await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    (status, kind, response.text().await.expect("a body"))
}

#[tokio::test]
async fn body_variables_win_over_query_variables_of_the_same_name() {
    let mut world = World::empty();
    let one = world.moodle.add_user("A", "a@example.org", "A", "A");
    let client = Client::over(world).await;
    let url = format!("{}?wstoken={MOODLE_TOKEN}&field=id&values[0]=2", client.rest_url());
    let id = one.to_string();
    let body = [("wsfunction", LOOKUP), ("moodlewsrestformat", "json"), ("values[0]", &id)];
    let (_, _, text) = raw(&client, &url, &body).await;
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found[0]["id"], one);
    assert_eq!(found.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn without_the_format_parameter_the_answer_is_xml() {
    let client = empty().await;
    let url = client.rest_url();
    let ask = [("wstoken", MOODLE_TOKEN), ("wsfunction", LOOKUP), ("field", "id"), ("values[0]", "3")];
    let (status, kind, text) = raw(&client, &url, &ask).await;
    assert_eq!((status, kind.as_str()), (200, "application/xml; charset=utf-8"));
    assert!(text.contains("<RESPONSE>\n<MULTIPLE>\n<SINGLE>"), "{text}");
    let (_, _, text) = raw(&client, &url, &[("wstoken", "wrong")]).await;
    assert!(text.contains("<EXCEPTION class=\"moodle_exception\">\n<ERRORCODE>invalidtoken</ERRORCODE>"), "{text}");
}

#[tokio::test]
async fn json_and_bearer_tokens_are_ignored() {
    let client = empty().await;
    let url = format!("{}?wstoken={MOODLE_TOKEN}&wsfunction={LOOKUP}&moodlewsrestformat=json", client.rest_url());
    let body = json!({"field": "id", "values": [3]});
    let answer = client.http().post(url).json(&body).send().await.expect("an answer");
    assert_eq!(code(&answer.json().await.expect("JSON")), "invalidparameter");
    let url = format!("{}?wsfunction={INFO}&moodlewsrestformat=json", client.rest_url());
    let answer = client.http().post(url).bearer_auth(MOODLE_TOKEN).send().await.expect("an answer");
    assert_eq!(code(&answer.json().await.expect("JSON")), "invalidtoken");
}

#[tokio::test]
async fn multipart_forms_and_get_work_and_a_long_address_does_not() {
    let client = empty().await;
    let part =
        |name: &str, value: &str| format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body =
        part("wstoken", MOODLE_TOKEN) + &part("wsfunction", INFO) + &part("moodlewsrestformat", "json") + "--X--\r\n";
    let request = client.http().post(client.rest_url()).header("content-type", "multipart/form-data; boundary=X");
    let answer: Value = request.body(body).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["userid"], 3);
    let url = format!("{}?wstoken={MOODLE_TOKEN}&wsfunction={INFO}&moodlewsrestformat=json", client.rest_url());
    let answer = client.http().get(&url).send().await.expect("an answer");
    assert_eq!(answer.json::<Value>().await.expect("JSON")["userid"], 3);
    let long = format!("{url}&serviceshortnames[]={}", "a".repeat(9000));
    assert_eq!(client.http().get(long).send().await.expect("an answer").status(), 414);
}

#[tokio::test]
async fn array_keys_may_be_empty_sparse_or_words() {
    let client = empty().await;
    for key in ["values[]", "values[7]", "values[x]", "values%5B0%5D"] {
        let url = format!("{}?wstoken={MOODLE_TOKEN}&wsfunction={LOOKUP}&moodlewsrestformat=json", client.rest_url());
        let request = client.http().post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("field=id&{key}=3")).send().await.expect("an answer");
        assert_eq!(answer.json::<Value>().await.expect("JSON")[0]["id"], 3, "{key}");
    }
}

#[tokio::test]
async fn one_surplus_missing_or_bad_value_fails_the_whole_call_before_any_work() {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "C");
    let client = Client::over(world).await;
    let sound = enrolments(&[(user, course), (user, course)], &[]);
    let mut spoilt = vec![sound[1..].to_vec()];
    for (key, value) in [
        ("enrolments[1][note]", "x"),
        ("surplus", "1"),
        ("enrolments[1][suspend]", "true"),
        ("enrolments[1][suspend]", ""),
        ("enrolments[1][timestart]", "5abc"),
        ("enrolments[1][userid][deep]", "5"),
        ("enrolments[1][roleid]", "\0"),
    ] {
        let mut form = sound.clone();
        form.push((key.to_owned(), value.to_owned()));
        spoilt.push(form);
    }
    spoilt.push(Vec::new());
    for form in spoilt {
        let answer = client.call_as(MOODLE_TOKEN, "enrol_manual_enrol_users", &form).await;
        assert_eq!(answer["exception"], "invalid_parameter_exception", "{form:?}");
        assert_eq!(answer["message"], "Invalid parameter value detected");
        assert!(client.sandbox.world().moodle.enrolments.is_empty());
    }
}

#[tokio::test]
async fn the_cause_shows_only_while_debugging_and_class_names_differ_by_version() {
    let client = empty().await;
    for (debug, display, shows) in [(0, false, false), (5, false, false), (15, false, true), (32767, true, true)] {
        client.sandbox.world().moodle.site.debug = debug;
        client.sandbox.world().moodle.site.debug_display = display;
        let answer = client.call(LOOKUP, &[("field", "id")]).await;
        assert_eq!(answer.get("debuginfo").is_some(), shows, "{debug}");
        assert_eq!(answer["message"].as_str().is_some_and(|text| text.contains("values")), display);
    }
    client.sandbox.world().moodle.site.release = Release::V4_5;
    let answer = client.call(LOOKUP, &[("field", "id")]).await;
    assert_eq!(answer["exception"], "core\\exception\\invalid_parameter_exception");
    let answer = client.call("no_such_function", &[]).await;
    assert_eq!((answer["exception"].as_str(), code(&answer)), (Some("dml_missing_record_exception"), "invalidrecord"));
}

#[tokio::test]
async fn broken_utf8_is_an_error_or_while_debugging_nothing_at_all() {
    let client = empty().await;
    let url = format!("{}?wstoken={MOODLE_TOKEN}&wsfunction={LOOKUP}&moodlewsrestformat=json", client.rest_url());
    for (debug, body) in [(0, true), (15, false)] {
        client.sandbox.world().moodle.site.debug = debug;
        let request = client.http().post(&url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body("field=idnumber&values[0]=%FF").send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.expect("a body").contains("invalidparameter"), body);
    }
}

#[tokio::test]
async fn text_leaves_as_php_writes_it() {
    let mut world = World::empty();
    world.moodle.add_user("A/1", "a@example.org", "Zoë", "𠮷");
    let client = Client::over(world).await;
    let form = form(&[("field", "idnumber"), ("values[0]", "A/1")]);
    let answer = client.post(MOODLE_TOKEN, LOOKUP, &form).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = answer.text().await.expect("a body");
    assert!(text.contains(r#""idnumber":"A\/1""#) && text.contains(r#""fullname":"Zo\u00eb \ud842\udfb7""#), "{text}");
}

#[tokio::test]
async fn the_front_door_answers_before_moodle() {
    let client = empty().await;
    let ask = form(&[]);
    let status = async || {
        let answer = client.post(MOODLE_TOKEN, INFO, &ask).await.expect("an answer");
        (answer.status().as_u16(), answer.headers().get("retry-after").is_some())
    };
    client.sandbox.world().moodle.site.maintenance = Maintenance::Cli;
    assert_eq!(status().await, (503, true));
    client.sandbox.world().moodle.site.maintenance = Maintenance::Off;
    client.sandbox.world().moodle.site.rest_enabled = false;
    assert_eq!(status().await, (403, false));
    client.sandbox.world().moodle.site.rest_enabled = true;
    client.sandbox.world().moodle.site.body_max = 10;
    assert_eq!(status().await, (413, false));
    client.sandbox.world().moodle.site.body_max = 1000;
    let elsewhere = format!("{}/nowhere", client.sandbox.moodle_url());
    assert_eq!(client.http().get(elsewhere).send().await.expect("an answer").status(), 404);
}

#[tokio::test]
async fn another_host_name_than_configured_is_redirected_to_the_root() {
    let client = empty().await;
    for root in ["https://learning.example", "http://learning.example/sub"] {
        client.sandbox.world().moodle.site.wwwroot = root.to_owned();
        let answer = client.post(MOODLE_TOKEN, INFO, &form(&[])).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().ok()), (303, Some(root)));
    }
}

#[tokio::test]
async fn a_body_past_post_max_loses_all_its_variables() {
    let client = empty().await;
    client.sandbox.world().moodle.site.post_max = 20;
    let (status, kind, text) =
        raw(&client, &client.rest_url(), &[("wstoken", MOODLE_TOKEN), ("wsfunction", INFO)]).await;
    assert_eq!((status, kind.starts_with("application/xml")), (200, true));
    assert!(text.contains("invalidtoken"));
    let url = format!("{}?wstoken={MOODLE_TOKEN}&wsfunction={LOOKUP}", client.rest_url());
    let (_, _, text) = raw(&client, &url, &[("field", "id"), ("values[0]", "00003")]).await;
    assert!(text.contains("invalidparameter"));
}

#[tokio::test]
async fn maintenance_in_the_pages_lets_administrators_pass_and_checks_the_token_first() {
    let client = empty().await;
    client.sandbox.world().moodle.site.maintenance = Maintenance::Pages;
    for (token, expected) in [(MOODLE_TOKEN, "sitemaintenance"), ("bad", "invalidtoken"), (MOODLE_ADMIN_TOKEN, "")] {
        assert_eq!(code(&client.call_as(token, INFO, &[]).await), expected);
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_once_and_then_unknown() {
    let client = empty().await;
    let expire = |token: &mut rollbook_sandbox::moodle::Token| token.valid_until = Some(1000);
    client.sandbox.world().moodle.tokens.get_mut(MOODLE_TOKEN).map(expire).expect("the token");
    assert_eq!(code(&client.call(INFO, &[]).await), "accessexception");
    assert_eq!(code(&client.call(INFO, &[]).await), "invalidtoken");
}

#[tokio::test]
async fn authorised_users_are_refused_before_their_end_and_let_in_after_it() {
    let client = empty().await;
    for (until, expected) in [(4_000_000_000, "accessexception"), (1000, "")] {
        let limit = |token: &mut rollbook_sandbox::moodle::Token| token.authorised_until = Some(until);
        client.sandbox.world().moodle.tokens.get_mut(MOODLE_TOKEN).map(limit).expect("the token");
        assert_eq!(code(&client.call(INFO, &[]).await), expected);
    }
}

#[tokio::test]
async fn functions_outside_the_service_and_tokens_without_rest_are_refused_alike() {
    let client = empty().await;
    let ask = form(&[("userids[0]", "3")]);
    let answer = client.call_as(MOODLE_TOKEN, "core_user_delete_users", &ask).await;
    assert_eq!((answer["exception"].as_str(), code(&answer)), (Some("webservice_access_exception"), "accessexception"));
    client.sandbox.world().moodle.revoke(MOODLE_TOKEN, "webservice/rest:use");
    assert_eq!(code(&client.call(INFO, &[]).await), "accessexception");
}

#[tokio::test]
async fn the_state_of_the_service_account_decides() {
    type Change = fn(&mut rollbook_sandbox::moodle::User);
    let changes: [(Change, &str); 5] = [
        (|user| user.deleted = true, "wsaccessuserdeleted"),
        (|user| user.confirmed = false, "wsaccessuserunconfirmed"),
        (|user| user.suspended = true, "wsaccessusersuspended"),
        (|user| user.auth = "nologin".to_owned(), "wsaccessusernologin"),
        (|user| user.must_change_password = true, "forcepasswordchangenotice"),
    ];
    for (change, expected) in changes {
        let client = empty().await;
        client.sandbox.world().moodle.users.edit(3, change);
        assert_eq!(code(&client.call(INFO, &[]).await), expected);
    }
}

#[tokio::test]
async fn site_info_tells_version_account_and_functions() {
    let client = empty().await;
    let info = client.call(INFO, &[]).await;
    assert_eq!(info["siteurl"], client.sandbox.moodle_url());
    assert_eq!((&info["version"], &info["userissiteadmin"]), (&json!("2023112400"), &json!(false)));
    let functions = info["functions"].as_array().expect("functions");
    assert!(functions.iter().any(|function| function["name"] == "enrol_manual_enrol_users"));
    assert!(!functions.iter().any(|function| function["name"] == "core_user_delete_users"));
    client.sandbox.world().moodle.site.release = Release::V4_5;
    let info = client.call_as(MOODLE_ADMIN_TOKEN, INFO, &[]).await;
    assert_eq!((&info["version"], &info["userissiteadmin"]), (&json!("2024100706"), &json!(true)));
}

#[tokio::test]
async fn output_before_the_json_is_possible() {
    let client = empty().await;
    client.sandbox.world().moodle.site.output_prefix = b"\xEF\xBB\xBF".to_vec();
    let answer = client.post(MOODLE_TOKEN, INFO, &form(&[])).await.expect("an answer");
    assert!(answer.bytes().await.expect("a body").starts_with(b"\xEF\xBB\xBF{"));
}

#[tokio::test]
async fn a_server_that_is_down_refuses_connections_until_it_is_up_again() {
    let client = empty().await;
    client.call(INFO, &[]).await;
    client.sandbox.take_down(Server::Moodle).await;
    let error = client.post(MOODLE_TOKEN, INFO, &form(&[])).await.expect_err("no server");
    assert!(error.is_connect(), "{error:?}");
    client.sandbox.bring_up(Server::Moodle).await.expect("the port");
    assert_eq!(client.call(INFO, &[]).await["userid"], 3);
}
