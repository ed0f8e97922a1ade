//! `rollbook completions …`, and what explain, attention and doctor say of completions.

use super::rollbook;
use rollbook_clock::Clock;
use rollbook_harness::Config;
use rollbook_sandbox::{FeedRow, MOODLE_TOKEN, Sandbox, Server, World};

const COURSE: i64 = 930_001;
const PEOPLE: [&str; 4] = ["ann", "ben", "cat", "dan"];

/// A Moodle with one opted-in course, an ELM that has enrolled four people in it, and a folder with the configuration.
struct Site {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new(more: &str) -> Self {
        let mut world = World::empty();
        let course = world.moodle.add_course(&COURSE.to_string(), "Fire Safety");
        world.moodle.courses.edit(course, |course| {
            course.opt_in = Some(true);
            course.has_criteria = true;
        });
        let began = Clock::system().now() - jiff::SignedDuration::from_mins(30);
        for (number, name) in (0..).zip(PEOPLE) {
            let mail = format!("{name}@example.org");
            let row =
                FeedRow::enrol(&name.to_uppercase(), &mail, COURSE, began + jiff::SignedDuration::from_secs(number));
            world.elm.push(row.numbered(500_001 + number).named(name, "Person"));
        }
        let sandbox = Sandbox::start(world).await.unwrap();
        let folder = config(&sandbox, more).folder();
        let site = Self { sandbox, folder };
        assert!(site.run("intake run psa").await.ends_with("-- ended with 0"));
        site
    }

    /// These people complete the course, one minute after the other; the first is the earliest.
    fn complete(&self, names: &[&str]) {
        let mut world = self.sandbox.world();
        let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
        for (ago, name) in names.iter().rev().enumerate() {
            let guid = name.to_uppercase();
            let user = world.moodle.users.iter().find(|user| user.idnumber == guid).unwrap().id;
            let at = world.now() - jiff::SignedDuration::from_mins(1 + i64::try_from(ago).unwrap());
            world.moodle.complete(user, course, at);
        }
    }

    /// Runs a command as a shell would; gives what it printed, and its end.
    async fn run(&self, line: &str) -> String {
        let folder = self.folder.path().to_owned();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let run = move || {
            let output = rollbook(&folder).env("USER", "jo").env("COLUMNS", "80").args(words).output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (out, err) = (text(&output.stdout), text(&output.stderr));
            format!("{out}{err}-- ended with {}", output.status.code().unwrap_or(-1))
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

fn config(sandbox: &Sandbox, more: &str) -> Config {
    let links = Config::over(sandbox).without("site.avc").without("mail").intake("psa").completions("done");
    let links = links.renamed("learning", "ss").with(&format!(
        r#"
        timezone = "UTC"
        site.ss.concurrency = 1
        site.elm.literal = "date-time-offset"
        site.elm.completion.lookup_url = "{completions}"
        link.psa = {{ role = 5, welcome = {{ mode = "moodle" }} }}
        link.done = {{ report_from = "2020-01-01", concurrency = 1 }}
        "#,
        completions = sandbox.completion_url(),
    ));
    links.with(&format!("[link.done]\n{more}"))
}

/// Holds printed text against its snapshot, without ports, times and ids.
fn check(name: &str, text: &str) {
    let filters = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        // The ELM's whole entity, wrapped by a table's column.
        (r"HTTP 201 \{[^}…]*[}…]", "HTTP 201 ANSWER"),
        (r"\d+ ms", "N ms"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC|[+-]\d\d:\d\d)?", "TIME"),
        (r"\d{4}-\d\d-\d\d", "DAY"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\([0-9a-f]{12}\)", "(FINGERPRINT)"),
        // Intake makes accounts several at a time, in any order.
        (r"account \d+", "account N"),
    ];
    insta::with_settings!({filters => filters, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(format!("completions_{name}"), text);
    });
}

/// Cron knows of no pause: after a restored backup it would report everything since once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_link_is_left_alone_by_commands_too() {
    let site = Site::new("").await;
    site.complete(&["ann"]);
    for link in ["psa", "done"] {
        site.run(&format!("links pause {link} --reason restored")).await;
    }
    for line in ["completions run done", "intake run psa", "completions send done --user ANN --course 930001"] {
        let said = site.run(line).await;
        assert!(said.contains("has been paused by") && said.ends_with("-- ended with 1"), "{line}: {said}");
        let dry = site.run(&format!("{line} --dry-run")).await;
        assert!(dry.contains("DRY RUN") && dry.ends_with("-- ended with 0"), "{line}: {dry}");
    }
    assert!(site.sandbox.world().elm.completions.is_empty());
    site.run("links resume done").await;
    assert!(site.run("completions run done").await.ends_with("-- ended with 0"));
    assert_eq!(site.sandbox.world().elm.completions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_shows_bodies_before_and_answers_after() {
    let site = Site::new("").await;
    site.complete(&["ann", "ben"]);
    check("dry_run", &site.run("completions run done --dry-run").await);
    assert!(site.sandbox.world().elm.completions.is_empty());
    check("run", &site.run("completions run done").await);
    check("run_again_detailed", &site.run("completions run done -v").await);
    check("list", &site.run("completions list done").await);
    check("explain", &site.run("explain --person ANN --course 930001").await);
    check("explain_not_finished", &site.run("explain --person CAT --course 930001").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_waits_for_a_human_and_is_retried_or_given_up() {
    let site = Site::new("").await;
    site.complete(&["ann", "ben", "cat"]);
    site.sandbox.world().elm.closed.extend([500_002, 500_003]);
    check("refused", &site.run("completions run done").await);
    check("refused_attention", &site.run("attention").await);
    check("refused_explain", &site.run("explain --person BEN --course 930001 --offline").await);
    check("refused_list", &site.run("completions list done --state refused").await);
    check("retry_dry_run", &site.run("completions retry done --dry-run").await);
    site.sandbox.world().elm.closed.remove(&500_002);
    check("retry", &site.run("completions retry done 2").await);
    check("cancel", &site.run("completions cancel done 3").await);
    check("acts_explain", &site.run("explain --person CAT --course 930001 --offline").await);
    check("retry_a_given_up_one", &site.run("completions retry done 3 99").await);
    assert_eq!(site.sandbox.world().elm.completions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn item_of_a_refused_completion_is_retried_from_the_list_of_what_waits() {
    let site = Site::new("").await;
    site.complete(&["ann"]);
    site.sandbox.world().elm.closed.insert(500_001);
    site.run("completions run done").await;
    site.sandbox.world().elm.closed.clear();
    let told = site.run("attention resolve 1 retry --reason mended").await;
    assert!(told.ends_with("-- ended with 0"), "{told}");
    assert!(site.run("completions list done --state due").await.contains("ann"));
    assert!(site.run("completions run done").await.ends_with("-- ended with 0"));
    assert_eq!(site.sandbox.world().elm.completions.len(), 1);
    check("item_explain", &site.run("explain --person ANN --course 930001 --offline").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_sent_by_hand_and_history_is_marked() {
    let site = Site::new("").await;
    let sent = "completions send done --user DAN --course 930001 --date 2026-11-20 --enrolment-id 4711";
    check("send_dry_run", &site.run(&format!("{sent} --dry-run")).await);
    check("send", &site.run(sent).await);
    check("send_again", &site.run(sent).await);
    check("send_unfinished", &site.run("completions send done --user CAT --course 930001").await);
    check(
        "send_no_number",
        &site.run("completions send done --user CAT --course 930001 --date 2026-11-20 --enrolment-id A1").await,
    );
    check("mark_before_any_run", &site.run("completions mark done --until 2027-01-01").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_has_its_code() {
    let site = Site::new("[link.done.limits]\nreports = 1").await;
    site.complete(&["ann", "ben"]);
    check("guard_refuses", &site.run("completions run done").await);
    assert!(site.sandbox.world().elm.completions.is_empty());
    check("no_such_link", &site.run("completions run psa").await);
    assert!(site.run("completions run").await.ends_with("-- ended with 2"));
    assert!(site.run("completions list done --state gone").await.ends_with("-- ended with 2"));
    site.sandbox.take_down(Server::Moodle).await;
    check("moodle_away", &site.run("completions run done").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn elm_that_is_away_is_told_with_the_next_try_and_the_kill_switch_too() {
    let site = Site::new("").await;
    site.complete(&["ann"]);
    site.sandbox.take_down(Server::Elm).await;
    let told = site.run("completions run done").await;
    assert!(told.contains("not accepted yet: 1; will be retried") && told.ends_with("-- ended with 5"), "{told}");
    let site = Site::new("sending = false").await;
    site.complete(&["ann"]);
    check("held", &site.run("completions run done").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_examines_what_completions_need() {
    let site = Site::new("").await;
    check("doctor", &site.run("doctor --site ss").await);
    site.sandbox.world().moodle.revoke(MOODLE_TOKEN, "report/completion:view");
    site.sandbox.world().moodle.opt_in_field.visibility = rollbook_sandbox::moodle::Visibility::Nobody;
    let told = site.run("doctor --site ss").await;
    assert!(told.contains("no course shows a field called completion_opt_in"), "{told}");
    site.sandbox.world().moodle.opt_in_field.visibility = rollbook_sandbox::moodle::Visibility::Everyone;
    let told = site.run("doctor --site ss").await;
    assert!(told.contains("give the service role report/completion:view") && told.ends_with("ended with 1"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_body_and_the_outcome() {
    let site = Site::new("").await;
    site.complete(&["ann"]);
    let answer = site.run("completions run done --json").await;
    let (json, end) = answer.rsplit_once("-- ").unwrap();
    assert_eq!(end, "ended with 0");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let body: serde_json::Value = serde_json::from_str(json["plan"]["reports"][0]["body"].as_str().unwrap()).unwrap();
    assert_eq!((body["ENROLMENT_ID"].as_i64(), json["delivered"]["accepted"].as_i64()), (Some(500_001), Some(1)));
}
