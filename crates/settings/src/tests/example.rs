use super::super::env::OVERLAID;
use super::super::link::{Link, Method};
use super::super::service::Place;
use super::super::site::ElmAuth;
use super::super::{Env, Origin, Settings};
use super::{GOOD, load};
use jiff::SignedDuration;
use rollbook_core::model::{LinkName, SiteName};
use rollbook_core::policy::UsernameRule;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = include_str!("../../../../rollbook.example.toml");

fn secrets() -> Env {
    Env::of([
        ("ROLLBOOK_MOODLE_TOKEN", "m"),
        ("ROLLBOOK_MOODLE_DATABASE", "mysql://reader:pw@localhost/moodle"),
        ("ROLLBOOK_ELM_TOKEN", "e"),
        ("ROLLBOOK_ELM_PASSWORD", "e"),
        ("ROLLBOOK_AVC_PASSWORD", "a"),
        ("ROLLBOOK_AVC_DATABASE", "mysql://reader:pw@localhost/drupal"),
        ("ROLLBOOK_PUSH_SECRET", "p"),
        ("ROLLBOOK_WEBHOOK", "https://hooks.example.org/x"),
        ("ROLLBOOK_OIDC_SECRET", "o"),
    ])
}

fn read(text: &str) -> Settings {
    match Settings::parse("rollbook.example.toml", text, PathBuf::new(), false, &secrets()) {
        Ok((settings, warnings)) => {
            assert!(warnings.is_empty(), "{warnings:?}");
            settings
        }
        Err(errors) => panic!("{}", super::rendered(&errors)),
    }
}

/// The example with the `#` of every key and section taken away.
fn spelled_out() -> String {
    let is_key =
        |line: &str| line.starts_with('#') && line[1..].starts_with(|c: char| c == '[' || c.is_ascii_lowercase());
    EXAMPLE.lines().map(|line| if is_key(line) { &line[1..] } else { line }.to_owned() + "\n").collect()
}

#[test]
fn the_example_is_a_working_configuration() {
    let settings = read(EXAMPLE);
    assert_eq!(settings.links.keys().map(LinkName::as_str).collect::<Vec<_>>(), ["done", "guilds", "psa"]);
    assert_eq!(settings.intakes().count() + settings.completions().count() + settings.guilds().count(), 3);
}

#[test]
fn the_example_names_every_key_with_its_true_default() {
    let (plain, spelled) = (read(EXAMPLE), read(&spelled_out()));
    let mut wrong = Vec::new();
    for setting in &plain.effective {
        match spelled.effective.iter().find(|other| other.key == setting.key) {
            Some(other) if other.origin == Origin::Default => {
                wrong.push(format!("{} is not in the example", setting.key))
            }
            Some(other) if other.value != setting.value => {
                wrong.push(format!("{}: the default is {}, not {}", setting.key, setting.value, other.value));
            }
            Some(_) => {}
            None => wrong.push(format!("{} vanished", setting.key)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_example_names_every_variable() {
    for (_, variable) in OVERLAID {
        assert!(EXAMPLE.contains(variable), "{variable}");
    }
    assert!(EXAMPLE.contains(super::super::CONFIG));
}

#[test]
fn a_link_comes_with_both_its_sites() {
    let (settings, _) = load(GOOD).unwrap();
    let psa = settings.intake(&LinkName::new("psa")).unwrap();
    assert_eq!((psa.elm.name.as_str(), psa.moodle.name.as_str()), ("elm", "learning"));
    assert_eq!(
        (psa.link.window.lookback, psa.link.policy.username),
        (SignedDuration::from_secs(7200), UsernameRule::Mail)
    );
    assert_eq!(psa.moodle.token.expose_secret(), "hunter2");
    let none = settings.guild(&SiteName::new("avc"), &SiteName::new("ss")).unwrap_err();
    assert_eq!(none.to_string(), "there is no guilds link from `avc` to `ss`");
}

#[test]
fn a_secret_is_in_no_list_and_no_debug_print() {
    let settings = read(&EXAMPLE.replace("{ env = \"ROLLBOOK_ELM_TOKEN\" }", "\"hunter2\""));
    let printed = format!("{settings:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("reader:pw"), "{printed}");
    let token = settings.effective.iter().find(|setting| setting.key == "site.elm.token").unwrap();
    assert_eq!(token.value, "(secret, in plain text)");
}

#[test]
fn a_variable_wins_over_the_file() {
    let env = Env::of([("TOKEN", "x"), ("ROLLBOOK_JOURNAL_URL", "postgres://u:pw@db/rollbook")]);
    let (settings, _) = Settings::parse("rollbook.toml", GOOD, PathBuf::new(), false, &env).unwrap();
    assert!(matches!(&settings.journal.place, Place::Postgres(url) if url.shown() == "postgres://u:**@db/rollbook"));
    assert_eq!(settings.effective[1].origin, Origin::Variable("ROLLBOOK_JOURNAL_URL".to_owned()));
}

#[test]
fn the_journal_lies_beside_its_configuration() {
    let (settings, _) = load(GOOD).unwrap();
    assert!(matches!(&settings.journal.place, Place::File(path) if path == Path::new("/etc/rollbook/rollbook.sqlite")));
}

#[test]
fn completions_are_found_by_polling_unless_told_otherwise() {
    let settings = read(EXAMPLE);
    assert!(matches!(&settings.links[&LinkName::new("done")], Link::Completions(link) if link.method == Method::Poll));
}

#[test]
fn help_address_may_have_a_query_and_a_fragment() {
    let (settings, _) =
        load(&format!("{GOOD}[link.psa.welcome]\nhelp_url = \"https://help.example.org/?topic=7#a\"\n")).unwrap();
    let link = settings.intake(&LinkName::new("psa")).unwrap().link;
    assert_eq!(link.welcome.help_url.as_ref().map(|url| url.as_str()), Some("https://help.example.org/?topic=7#a"));
}

#[test]
fn word_of_the_feed_has_one_meaning() {
    let states = "[site.elm.states]\nenrol = [\"ENRL\"]\nignore = [\"enrl\"]\n";
    let text = format!("{GOOD}{states}");
    let told = super::complaint(&text);
    assert!(told.contains("the word `enrl` has two meanings in [site.elm.states]"), "{told}");
    let (settings, _) = load(&text.replace("\"enrl\"", "\"COMP\"")).unwrap();
    let site = settings.elm(&SiteName::new("elm")).unwrap();
    assert_eq!(
        (site.states.enrol.as_slice(), site.states.ignore.as_slice()),
        (&["ENRL".to_owned()][..], &["COMP".to_owned()][..])
    );
}

#[test]
fn folder_needs_no_token_and_other_dialects_have_other_defaults() {
    let folder = GOOD.replace(
        "https://elm.example.org/Enrolments\"\ntoken = { env = \"TOKEN\" }",
        "file:///var/lib/feed\"\ndialect = \"csv\"",
    );
    let (settings, _) = load(&folder).unwrap();
    assert!(matches!(settings.elm(&SiteName::new("elm")).unwrap().auth, ElmAuth::Open));
    let (settings, _) = load(&GOOD.replace("kind = \"elm\"", "kind = \"elm\"\ndialect = \"odata-v2\"")).unwrap();
    assert_eq!(settings.elm(&SiteName::new("elm")).unwrap().literal, "datetime");
}
