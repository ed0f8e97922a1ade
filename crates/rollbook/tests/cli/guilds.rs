use super::rollbook;
use rollbook_harness::Config;
use rollbook_sandbox::community::Rights;
use rollbook_sandbox::{MOODLE_TOKEN, Sandbox, World};

/// A community, a Moodle, and a folder with the configuration of both.
struct Site {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let mut world = World::empty();
        let web = world.community.add_group("Web Development");
        let design = world.community.add_group("Design");
        for name in ["ann", "ben", "cat", "dan", "eve", "fay"] {
            let mail = format!("{name}@example.org");
            let id = world.moodle.add_user("", &mail, name, "Person");
            world.moodle.users.edit(id, |user| user.username = name.to_owned());
            let uid = world.community.add_account(name, Some(&mail));
            world.community.join(web, uid, &[]);
        }
        let stranger = world.community.add_account("gus", Some("gus@example.org"));
        world.community.join(design, stranger, &[]);
        let sandbox = Sandbox::start(world).await.unwrap();
        let folder = config(&sandbox).folder();
        Self { sandbox, folder }
    }

    /// Runs a command as a shell would; gives what it printed, with what differs each time made equal, and its end.
    async fn run(&self, line: &str) -> String {
        let folder = self.folder.path().to_owned();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let run = move || {
            let output = rollbook(&folder).env("USER", "jo").args(words).output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (out, err) = (text(&output.stdout), text(&output.stderr));
            format!("{out}{err}-- ended with {}", output.status.code().unwrap_or(-1))
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Everybody but so many leaves the first guild.
    fn keep(&self, count: usize) {
        let mut world = self.sandbox.world();
        let web = *world.community.groups.keys().next().unwrap();
        let leavers: Vec<i64> = world.community.memberships_of(web).skip(count).map(|row| row.id).collect();
        world.community.memberships.retain(|id, _| !leavers.contains(id));
    }
}

fn config(sandbox: &Sandbox) -> Config {
    let links = Config::over(sandbox).without("site.elm").without("mail").guilds("guilds").renamed("learning", "ss");
    links.with("timezone = \"UTC\"\nsite.avc.sentinel = \"ann\"")
}

/// Holds printed text against its snapshot, without ports, times and ids.
fn check(name: &str, text: &str) {
    let filters = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d+ ms", "N ms"),
        (r"\d+\.\d\d s", "N s"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(Z| UTC)?", "TIME"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"digest [0-9a-f]{16}", "digest DIGEST"),
    ];
    insta::with_settings!({filters => filters, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(format!("guilds_{name}"), text);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronisation_is_told_in_five_steps() {
    let site = Site::new().await;
    check("dry_run", &site.run("guilds sync avc ss --dry-run").await);
    assert!(site.sandbox.world().moodle.cohorts.is_empty());
    check("sync", &site.run("guilds sync avc ss").await);
    check("sync_again_detailed", &site.run("guilds sync avc ss -v").await);
    site.keep(5);
    check("leaver_dry_run_ascii", &site.run("guilds sync avc ss --dry-run --ascii").await);
    check("leaver_detailed", &site.run("avc-moodle-sync avc ss -v").await);
    check("status", &site.run("guilds status avc ss").await);
    check("list", &site.run("guilds list avc").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_plan_is_shown_approved_and_run() {
    let site = Site::new().await;
    site.run("guilds sync avc ss").await;
    site.keep(2);
    check("refused", &site.run("guilds sync avc ss").await);
    let scoped = site.run("guilds sync avc ss --guild=web-development").await;
    assert!(scoped.contains("the plan needs approval: nothing was changed in Moodle"), "{scoped}");
    assert!(scoped.ends_with("-- ended with 4"), "held back: {scoped}");
    check("plans_list", &site.run("plans show").await);
    check("plans_show", &site.run("plans show 2").await);
    check("plans_approve", &site.run("plans approve 2 --reason reorganised").await);
    check("approved", &site.run("guilds sync avc ss").await);
    site.keep(1);
    site.run("guilds sync avc ss").await;
    assert!(site.run("plans reject 2").await.ends_with("-- ended with 1"), "what was used cannot be rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_next_step() {
    let site = Site::new().await;
    check("no_such_guild", &site.run("guilds sync avc ss --guild=web-devlopment").await);
    check("no_such_user", &site.run("guilds sync avc ss --user=nobody").await);
    check("no_such_link", &site.run("guilds sync avc moodle").await);
    site.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/cohort:manage");
    check("no_sight_of_cohorts", &site.run("guilds sync avc ss").await);
    site.sandbox.world().moodle.grant(MOODLE_TOKEN, "moodle/cohort:view");
    check("no_capability", &site.run("guilds sync avc ss").await);
    site.sandbox.take_down(rollbook_sandbox::Server::Moodle).await;
    check("unreachable", &site.run("guilds sync avc ss").await);
    site.sandbox.bring_up(rollbook_sandbox::Server::Moodle).await.unwrap();
    site.sandbox.world().community.service_account().unwrap().rights = Rights::default();
    check("no_permission", &site.run("guilds sync avc ss").await);
    site.sandbox.world().community.service_account().unwrap().password = Some("another".to_owned());
    check("wrong_password", &site.run("guilds sync avc ss").await);
    let debugged = site.run("guilds sync avc ss -d").await;
    assert!(debugged.contains("asked the community"), "every request is logged: {debugged}");
    assert!(!debugged.contains("ann@example.org"), "and nobody's address: {debugged}");
    assert!(site.run("guilds sync avc").await.ends_with("-- ended with 2"));
    assert!(site.run("guilds sync avc ss --guild=a --user=b").await.ends_with("-- ended with 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_plan_and_the_outcome() {
    let site = Site::new().await;
    let answer = site.run("guilds sync avc ss --json").await;
    let (json, end) = answer.rsplit_once("-- ").unwrap();
    assert_eq!(end, "ended with 0");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let changes = json["plan"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), json["outcomes"].as_array().unwrap().len());
    assert_eq!((json["counts"]["added"].as_u64(), json["dry_run"].as_bool()), (Some(6), Some(false)));
}

/// Twenty-nine people whom nothing may be taken from now: the reason is told once, the people with it, and all of them in -v and
/// in JSON.
#[tokio::test(flavor = "multi_thread")]
async fn one_reason_of_many_members_is_told_once() {
    let site = Site::new().await;
    {
        let mut world = site.sandbox.world();
        let groups: Vec<i64> = world.community.groups.keys().copied().collect();
        for number in 0..24 {
            let (name, mail) = (format!("p{number:02}"), format!("p{number:02}@example.org"));
            let id = world.moodle.add_user("", &mail, &name, "Person");
            world.moodle.users.edit(id, |user| user.username.clone_from(&name));
            let uid = world.community.add_account(&name, Some(&mail));
            world.community.join(groups[number % 2], uid, &[]);
        }
    }
    assert!(site.run("guilds sync avc ss").await.ends_with("-- ended with 0"));
    {
        // Everybody but one seems to have left, the sentinel too.
        let mut world = site.sandbox.world();
        let ben = *world.community.memberships.keys().nth(1).unwrap();
        world.community.memberships.retain(|id, _| *id == ben);
    }
    let told = site.run("guilds sync avc ss").await;
    check("left_alone", &told);
    assert_eq!(told.matches("not removed now").count(), 1, "{told}");
    let detailed = site.run("guilds sync avc ss -v --dry-run").await;
    for name in ["ann", "fay", "p00", "p23"] {
        assert!(detailed.contains(&format!("{name} in ")), "{name}: {detailed}");
    }
    let answer = site.run("guilds sync avc ss --json --dry-run").await;
    let json: serde_json::Value = serde_json::from_str(answer.rsplit_once("-- ").unwrap().0).unwrap();
    let held = json["plan"]["skips"].as_array().unwrap().iter().filter(|skip| skip.to_string().contains("held_back"));
    assert_eq!(held.count(), 29);
}
