//! One synchronisation that takes every write of the flow, and what it leaves behind in plain words.

use crate::world::{Site, changes, world};
use rollbook_core::model::{GuildRole, PairState, RoleContext, RoleId};
use rollbook_core::policy::{ArchiveRule, MemberAccounts, NewMemberRule, RoleGiver, RoleRule};
use rollbook_core::run::RunState;
use rollbook_journal::OpenOptions;
use rollbook_sandbox::moodle::GUILD_MENTOR_ROLE;
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};
use std::collections::BTreeSet;
use tokio::sync::OnceCell;

const BEFORE: &str = "Web: ann[guild-mentor] ben cat dan
    Design: ann cat
    Old: ben cat
    Role: fay[guild-mentor]";
/// Joiners and leavers, a new guild, one without account, one renamed, one gone; a mentor more and one less.
const AFTER: &str = "Web: ann ben[guild-mentor] eve! gus
    Design: ann hal
    New: ben eve! hal
    Role: fay[guild-mentor]";

/// The same school after the same change, with one more run at most than it took before.
pub(crate) async fn begin(archive: ArchiveRule, options: &OpenOptions) -> Site {
    let mut site = Site::with(world(BEFORE), options).await;
    let giver = RoleGiver::Role(GuildRole::new("guild-mentor"));
    site.flow.policy.roles = vec![RoleRule { giver, role: RoleId(GUILD_MENTOR_ROLE), context: RoleContext::System }];
    site.flow.policy.accounts = MemberAccounts::Create(NewMemberRule { auth: "oauth2".into(), last_name: "-".into() });
    site.flow.policy.limits.exempt_under = 50;
    site.flow.policy.archive = archive;
    assert_eq!(site.sync().await.state, RunState::Done);
    site.community(AFTER);
    let mut world = site.sandbox.world();
    let design = world.community.groups.values_mut().find(|group| group.label == "Design").unwrap();
    design.label = "Design Studio".to_owned();
    drop(world);
    site.sandbox.forget_calls();
    site
}

/// What a world without faults comes to.
pub(crate) async fn twin(archive: ArchiveRule) -> &'static BTreeSet<String> {
    static HIDDEN: OnceCell<BTreeSet<String>> = OnceCell::const_new();
    static DELETED: OnceCell<BTreeSet<String>> = OnceCell::const_new();
    let cell = if archive == ArchiveRule::Delete { &DELETED } else { &HIDDEN };
    let make = || async {
        let mut site = begin(archive, &OpenOptions::default()).await;
        assert_eq!(site.sync().await.state, RunState::Done);
        site.picture().await
    };
    cell.get_or_init(make).await
}

impl Site {
    /// The run after a fault: it makes all right by itself, and a further one finds nothing to do.
    pub(crate) async fn comes_right(&mut self, what: &str) {
        let report =
            self.run(GuildsQuery::All, Purpose::Apply).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(report.state, RunState::Done, "{what}: {:?} {:?}", report.findings, report.applied);
        let further = self.dry_run().await;
        assert_eq!(changes(&further), Vec::<String>::new(), "{what}");
        let skips: Vec<String> =
            further.plan.skips.iter().map(|skip| format!("{}: {}", skip.name, skip.reason)).collect();
        assert_eq!(skips, Vec::<String>::new(), "{what}");
    }

    /// Moodle and the journal, without ids: they follow the order of the calls.
    pub(crate) async fn picture(&self) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        let owned = self.journal.guilds().owned(&self.flow.link).await.unwrap();
        let world = self.sandbox.world();
        let moodle = &world.moodle;
        let name = |id: i64| moodle.users.get(id).map_or("?".to_owned(), |user| user.username.clone());
        let cohort_name =
            |id: i64| moodle.cohorts.get(id).map_or("no cohort".to_owned(), |cohort| cohort.idnumber.clone());
        let mut note = |line: String| assert!(lines.insert(line.clone()), "twice: {line}");
        for user in moodle.users.iter() {
            note(format!("account {} {} {} {}", user.username, user.email, user.auth, user.suspended));
        }
        for cohort in moodle.cohorts.iter() {
            note(format!("cohort {} \"{}\" visible: {}", cohort.idnumber, cohort.name, cohort.visible));
            moodle
                .members_of(cohort.id)
                .into_iter()
                .for_each(|id| note(format!("{} in {}", name(id), cohort.idnumber)));
        }
        for row in moodle.assignments.iter() {
            note(format!("role {} of {} in {:?}", row.role_id, name(row.user_id), row.context));
        }
        for pair in owned.pairs.values() {
            let state = if pair.state == PairState::Live { "live" } else { "archived" };
            note(format!("pair {} \"{}\" = {}, {state}", pair.machine_name, pair.label, cohort_name(pair.cohort.0)));
        }
        for (cohort, members) in &owned.members {
            let whose = |person| world.community.accounts.get(&person).map_or("?".to_owned(), |who| who.name.clone());
            for (user, person) in members {
                let (user, person) = (name(user.0), person.map(|person| whose(person.0)));
                note(format!("owned: {user} in {} for {person:?}", cohort_name(cohort.0)));
            }
        }
        for (assignment, guilds) in &owned.assignments {
            let guilds: BTreeSet<_> = guilds.keys().map(|uuid| owned.pairs.get(uuid).map(|pair| &pair.label)).collect();
            note(format!("owned: role {} of {} for {guilds:?}", assignment.role, name(assignment.user.0)));
        }
        lines
    }

    /// Holds the picture against the twin's.
    pub(crate) async fn assert_like_twin(&self, what: &str) {
        let (ours, twins) = (self.picture().await, twin(self.flow.policy.archive).await);
        let odd: Vec<_> = ours.difference(twins).collect();
        let missing: Vec<_> = twins.difference(&ours).collect();
        assert!(odd.is_empty() && missing.is_empty(), "{what}\nnot in the twin: {odd:#?}\nnot here: {missing:#?}");
    }
}
