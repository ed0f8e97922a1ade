use super::super::Settings;
use super::{GOOD, complaint, env, rendered};
use std::path::PathBuf;

/// The good configuration with one thing changed.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

#[test]
fn an_unknown_key_is_refused_with_the_closest_known_one() {
    insta::assert_snapshot!(complaint(&with("token =", "concurency = 4\ntoken =")));
}

#[test]
fn a_wrong_cron_expression_names_its_field() {
    insta::assert_snapshot!(complaint(&with("flow =", "schedule = \"5 25 * * 1-5\"\nflow =")));
}

#[test]
fn a_wrong_address_says_what_is_wrong_with_it() {
    insta::assert_snapshot!(complaint(&with("https://moodle.example.org", "ftp://moodle.example.org")));
}

#[test]
fn a_password_in_an_address_is_refused_and_not_shown() {
    let text = complaint(&with("https://moodle.example.org", "https://me:hunter2@moodle.example.org"));
    assert!(!text.contains("hunter2"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_site_of_the_wrong_kind_is_refused() {
    insta::assert_snapshot!(complaint(&with("from = \"elm\"", "from = \"learning\"")));
}

#[test]
fn a_site_that_is_not_there_is_refused() {
    insta::assert_snapshot!(complaint(&with("to = \"learning\"", "to = \"lerning\"")));
}

#[test]
fn a_site_with_a_problem_is_not_also_called_missing() {
    let text = complaint(&with("https://elm.example.org/Enrolments", "elm.example.org"));
    assert!(text.contains("rollbook.toml has 1 problem") && text.contains("feed_url"), "{text}");
}

#[test]
fn a_secret_whose_variable_is_not_set_is_refused() {
    insta::assert_snapshot!(complaint(&with("{ env = \"TOKEN\" }", "{ env = \"MOODLE_TOKEN\" }")));
}

#[test]
fn a_plain_secret_that_others_can_read_is_a_warning_and_not_shown() {
    let text = with("{ env = \"TOKEN\" }", "\"hunter2\"");
    let load = |open| Settings::parse("rollbook.toml", &text, PathBuf::new(), open, &env()).unwrap().1;
    assert!(load(false).is_empty());
    let warnings = load(true);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].place(), Some((5, 9)));
    insta::assert_snapshot!(rendered(&warnings[0]));
}

#[test]
fn address_without_tls_is_a_warning_this_machine_apart() {
    let warnings = |host: &str| {
        let text = with("https://moodle.example.org", &format!("http://{host}"));
        Settings::parse("rollbook.toml", &text, PathBuf::new(), false, &env()).unwrap().1
    };
    let told = warnings("moodle.example.org");
    assert_eq!(told[0].to_string(), "the secret of `site.learning` would cross the network in the clear");
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]"] {
        assert!(warnings(host).is_empty(), "{host}");
    }
}

#[test]
fn secret_without_its_quotes_is_not_shown() {
    let text = complaint(&with("{ env = \"TOKEN\" }", "hunter2"));
    assert!(text.contains("not TOML") && !text.contains("hunter2"), "{text}");
    assert!(!complaint(&with("{ env = \"TOKEN\" }", "[\"hunter2\"]")).contains("hunter2"));
}

#[test]
fn two_errors_are_told_at_once() {
    let text = with("token = { env = \"TOKEN\" }", "timeout = \"soon\"\ntoken = { env = \"TOKEN\" }");
    insta::assert_snapshot!(complaint(&text.replace("flow = \"intake\"", "flow = \"intake\"\nrole = 0")));
}

#[test]
fn a_wrong_duration_is_refused_with_its_bounds() {
    insta::assert_snapshot!(complaint(&with("flow =", "lookback = \"2 hours\"\nflow =")));
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    insta::assert_snapshot!(complaint(&with("flow =", "flow = \"guilds\"\nflow =")));
}

#[test]
fn a_missing_key_points_at_its_section() {
    insta::assert_snapshot!(complaint(&with("url = \"https://moodle.example.org\"\n", "")));
}

#[test]
fn what_a_flow_needs_is_asked_of_its_sites() {
    let link = "[link.done]\nflow = \"completions\"\nfrom = \"learning\"\nto = \"elm\"\nway = \"database\"\n";
    insta::assert_snapshot!(complaint(&format!("{GOOD}\n{link}")));
}

#[test]
fn a_syntax_error_does_not_show_the_secret_beside_it() {
    let text = complaint(&with("token = { env = \"TOKEN\" }", "token = \"hunter2"));
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_file_that_is_not_there_says_how_to_make_one() {
    insta::assert_snapshot!(rendered(&Settings::load(&PathBuf::from("/nowhere/rollbook.toml"), &env()).unwrap_err()));
}

#[test]
fn any_text_is_answered_and_never_panics() {
    for text in [
        "",
        "=",
        "[",
        "[site]",
        "site = 3",
        "[site.x]",
        "[[site]]",
        "[link.x]\nflow = 1",
        "timezone = 5",
        "\u{feff}x",
        "[site.x]\nkind = \"moodle\"\nurl = 1979-05-27\ntoken = []\n",
        "[site.\"A b\"]",
        "[link.x]\nflow=\"guilds\"\nrole=3",
        "[journal]\nurl = 99999999999999999999999",
        "[server]\nlogin_tries = 0x7fffffffffffffff",
        "[mail]\n[notify]\nto = [[1]]",
    ] {
        match super::load(text) {
            Ok((settings, _)) => drop(settings),
            Err(errors) => assert!(!rendered(&errors).is_empty()),
        }
    }
}
