//! A small world: a community in text, a Moodle in memory, and what Rollbook owns. Applying a plan changes it.

use rollbook_core::guard::{Approval, Decision, Finding, GuildView, Level, check_guilds, decide};
use rollbook_core::matching::{Directory, Lookup};
use rollbook_core::model::{
    Absence, Account, Assignment, CanaryAccount, Cohort, CohortContext, CohortId, CohortSide, CohortVisibility,
    Community, CommunityPerson, CommunityUserId, GroupId, Guild, GuildMember, GuildRole, GuildStatus, GuildUuid,
    Identity, LinkName, Mail, MoodleUserId, NameHints, Owned, PersonState,
};
use rollbook_core::plan::{
    GuildChange, GuildInputs, GuildPlan, MemberChange, MemberRef, Retire, RoleChange, Scope, plan_guilds,
};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::run::{Outcome, credit, edits_of};
use rollbook_core::snapshot::{Gap, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use jiff::Timestamp;

pub(crate) struct World {
    pub(crate) policy: GuildPolicy,
    pub(crate) guilds: Vec<Guild>,
    pub(crate) people: BTreeMap<CommunityUserId, CommunityPerson>,
    pub(crate) missing: BTreeMap<GuildUuid, Absence>,
    pub(crate) identity: Identity,
    pub(crate) sentinel: CanaryAccount,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) accounts: BTreeMap<MoodleUserId, Account>,
    pub(crate) side: CohortSide,
    pub(crate) owned: Owned,
    uids: BTreeMap<String, i64>,
}

impl World {
    pub(crate) fn new(text: &str) -> Self {
        let mut world = Self {
            policy: GuildPolicy::default(),
            guilds: Vec::new(),
            people: BTreeMap::new(),
            missing: BTreeMap::new(),
            identity: Identity::Proven { uuid: "us".into() },
            sentinel: CanaryAccount::Seen,
            gaps: Vec::new(),
            accounts: BTreeMap::new(),
            side: CohortSide::default(),
            owned: Owned::default(),
            uids: BTreeMap::new(),
        };
        world.community(text);
        world
    }

    /// Gives the community other guilds; whoever is named first gets a Moodle account. A pair's guild that is not named any
    /// more counts as deleted.
    pub(crate) fn community(&mut self, text: &str) {
        self.guilds.clear();
        self.people.clear();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, members) = line.split_once(':').expect("guild: members");
            let members = members.split_whitespace().map(|word| self.member(word)).collect();
            self.guilds.push(guild(name.trim(), members));
        }
        let named: BTreeSet<_> = self.guilds.iter().map(|guild| guild.uuid.clone()).collect();
        let pairs = self.owned.pairs.keys();
        self.missing =
            pairs.filter(|uuid| !named.contains(uuid)).map(|uuid| (uuid.clone(), Absence::Deleted)).collect();
    }

    fn member(&mut self, word: &str) -> GuildMember {
        let (word, roles) = word.split_once('[').unwrap_or((word, ""));
        let roles =
            roles.trim_end_matches(']').split(',').filter(|role| !role.is_empty()).map(GuildRole::new).collect();
        let (state, name) = match word.strip_prefix('-') {
            Some(name) => (PersonState::Blocked, name),
            None => match word.strip_prefix('?') {
                Some(name) => (PersonState::Hidden, name),
                None => (PersonState::Active, word),
            },
        };
        let (name, has_account) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
        let next = self.uids.len() as i64 + 1;
        let uid = *self.uids.entry(name.to_owned()).or_insert(next);
        let id = CommunityUserId(uid);
        let hidden = state == PersonState::Hidden;
        let shown = if hidden { "" } else { name };
        let mail = (!hidden).then(|| Mail(format!("{name}@example.org")));
        let person = CommunityPerson { id, uuid: format!("p{uid}"), name: shown.into(), mail, state };
        self.people.entry(id).or_insert(person);
        if has_account {
            self.accounts.entry(MoodleUserId(100 + uid)).or_insert_with(|| account(100 + uid, name));
        }
        GuildMember { person: id, roles }
    }

    pub(crate) fn uid(&self, name: &str) -> CommunityUserId {
        CommunityUserId(self.uids[name])
    }

    pub(crate) fn user(&self, name: &str) -> MoodleUserId {
        MoodleUserId(100 + self.uids[name])
    }

    pub(crate) fn guild_mut(&mut self, name: &str) -> &mut Guild {
        self.guilds.iter_mut().find(|guild| guild.uuid.as_str() == name).expect("a guild of that name")
    }

    /// A cohort that is in Moodle and not ours.
    pub(crate) fn foreign_cohort(&mut self, id: i64, idnumber: &str, members: &[&str]) {
        let cohort = Cohort {
            id: CohortId(id),
            idnumber: idnumber.into(),
            name: format!("Cohort {idnumber}"),
            visibility: CohortVisibility::Visible,
            context: Some(CohortContext::System),
            component: String::new(),
        };
        self.side.cohorts.insert(cohort.id, cohort);
        let mut members: Vec<_> = members.iter().map(|name| self.user(name)).collect();
        members.sort_unstable();
        self.side.members.insert(CohortId(id), members);
    }

    pub(crate) fn cohort_of(&self, guild: &str) -> CohortId {
        self.owned.pairs[&GuildUuid::new(guild)].cohort
    }

    /// Who is in a guild's cohort, by user name.
    pub(crate) fn members_of(&self, guild: &str) -> String {
        let members = &self.side.members[&self.cohort_of(guild)];
        members.iter().map(|user| self.accounts[user].username.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn directory(&self) -> Directory {
        let mut directory = Directory::default();
        for account in self.accounts.values() {
            directory.add(account.clone());
        }
        for person in self.people.values() {
            directory.asked_mails(person.mail.iter().map(Mail::folded));
            directory.asked_usernames([person.name.to_lowercase()]);
            directory.asked_usernames(person.mail.iter().map(Mail::folded));
            directory.asked_guids([person.id.to_string(), person.uuid.clone(), person.name.to_lowercase()]);
        }
        for user in self.owned.members.values().flat_map(BTreeMap::keys) {
            directory.asked(&Lookup::Id(*user));
        }
        directory
    }

    pub(crate) fn snapshot(&self) -> Snapshot<Community> {
        let value = Community {
            guilds: self.guilds.clone(),
            people: self.people.clone(),
            missing: self.missing.clone(),
            identity: self.identity.clone(),
            sentinel: self.sentinel,
        };
        Snapshot { taken_at: Timestamp::UNIX_EPOCH, gaps: self.gaps.clone(), value }
    }

    /// Makes a plan, and what the guard says of it.
    pub(crate) fn plan(&self, scope: &Scope) -> (GuildPlan, Vec<Finding>) {
        let (plan, decision) = self.decide(scope, &[]);
        (plan, decision.findings)
    }

    /// Makes a plan, and says what of it may be applied.
    pub(crate) fn decide(&self, scope: &Scope, approvals: &[Approval]) -> (GuildPlan, Decision<GuildPlan>) {
        let (link, community, directory) = (LinkName::new("avc-ss"), self.snapshot(), self.directory());
        let moodle = Snapshot::complete(Timestamp::UNIX_EPOCH, self.side.clone());
        let inputs = GuildInputs {
            link: &link,
            scope,
            community: &community,
            moodle: &moodle,
            directory: &directory,
            owned: &self.owned,
        };
        let now = Timestamp::UNIX_EPOCH;
        let plan = plan_guilds(&inputs, &self.policy, now);
        let check = |plan: &GuildPlan| check_guilds(&GuildView { plan, inputs: &inputs, policy: &self.policy, now });
        let decision = decide(&plan, check, approvals, &BTreeSet::new(), now);
        (plan, decision)
    }

    /// A full plan as text: changes, skips, findings.
    pub(crate) fn show(&self) -> String {
        self.show_scope(&Scope::All)
    }

    pub(crate) fn show_scope(&self, scope: &Scope) -> String {
        let (plan, findings) = self.plan(scope);
        let changes = plan.changes.iter().map(ToString::to_string);
        let skips = plan.skips.iter().map(|skip| {
            let guild = skip.guild.as_ref().map_or("-", GuildUuid::as_str);
            format!("skip {} in {guild}: {}", skip.name, skip.reason)
        });
        changes.chain(skips).chain(findings.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n")
    }

    /// Runs a full plan, as long as nothing blocks it.
    pub(crate) fn sync(&mut self) -> &mut Self {
        let (plan, findings) = self.plan(&Scope::All);
        let blocked: Vec<_> = findings.iter().filter(|finding| finding.level == Level::Block).collect();
        assert!(blocked.is_empty(), "{blocked:?}");
        self.apply(&plan);
        self
    }

    /// Does what a plan says, as Moodle would, and notes what is owned, as the journal would.
    pub(crate) fn apply(&mut self, plan: &GuildPlan) {
        for change in &plan.changes {
            let user = match change {
                GuildChange::AddMember(MemberChange { user: MemberRef::New(person), .. })
                | GuildChange::AssignRole(RoleChange { user: MemberRef::New(person), .. })
                | GuildChange::ClaimRole(RoleChange { user: MemberRef::New(person), .. }) => {
                    Some(MoodleUserId(500 + person.0))
                }
                other => other.user(),
            };
            let pair = change.guild().and_then(|guild| self.owned.pairs.get(guild)).map(|pair| pair.cohort);
            let cohort = self.effect(change, pair, user).or(pair);
            for edit in edits_of(change, &Outcome::Done, cohort, user) {
                self.owned.edit(edit);
            }
        }
    }

    /// Does the first changes of a plan, and dies before the journal hears of any of them.
    pub(crate) fn die_after(&mut self, plan: &GuildPlan, changes: usize) {
        let known = self.owned.clone();
        let mut part = plan.clone();
        part.changes.truncate(changes);
        self.apply(&part);
        self.owned = known;
    }

    /// Does what the next run does before it plans.
    pub(crate) fn repair(&mut self, plan: &GuildPlan) {
        let accounts = self.accounts.clone();
        let made = |person: CommunityUserId| {
            let id = MoodleUserId(500 + person.0);
            accounts.contains_key(&id).then_some(id)
        };
        credit(&plan.changes, &self.side, made, &mut self.owned);
    }

    fn effect(&mut self, change: &GuildChange, pair: Option<CohortId>, user: Option<MoodleUserId>) -> Option<CohortId> {
        let assignment =
            |role: &RoleChange| Assignment { user: user.expect("an account"), role: role.role, context: role.context };
        match change {
            GuildChange::CreateAccount(new) => {
                let id = MoodleUserId(500 + new.person.0);
                self.accounts.insert(id, Account { mail: new.mail.0.clone(), ..account(id.0, &new.username) });
                None
            }
            GuildChange::CreateCohort { form, .. } => {
                let id = CohortId(self.side.cohorts.keys().last().map_or(41, |id| id.0) + 1);
                let (idnumber, name) = (form.idnumber.0.clone(), form.name.clone());
                let (context, component) = (Some(CohortContext::System), String::new());
                let visibility = form.visibility;
                self.side.cohorts.insert(id, Cohort { id, idnumber, name, visibility, context, component });
                self.side.members.insert(id, Vec::new());
                Some(id)
            }
            GuildChange::UpdateCohort { cohort, form, .. }
            | GuildChange::RetireCohort { cohort, retire: Retire::Hide(form), .. } => {
                let cohort = self.side.cohorts.get_mut(cohort).expect("the cohort");
                cohort.idnumber.clone_from(&form.idnumber.0);
                cohort.name.clone_from(&form.name);
                cohort.visibility = form.visibility;
                None
            }
            GuildChange::RetireCohort { cohort, retire: Retire::Delete, .. } => {
                self.side.cohorts.remove(cohort);
                self.side.members.remove(cohort);
                Some(*cohort)
            }
            GuildChange::AddMember(_) => {
                let members = self.side.members.get_mut(&pair.expect("a pair")).expect("the cohort");
                members.push(user.expect("an account"));
                members.sort_unstable();
                None
            }
            GuildChange::RemoveMember(member) => {
                let cohort = member.cohort.expect("the cohort");
                self.side.members.get_mut(&cohort).expect("the cohort").retain(|id| Some(*id) != user);
                Some(cohort)
            }
            GuildChange::AssignRole(role) => {
                let assignment = assignment(role);
                self.side.assignments.as_mut().map(|all| all.insert(assignment));
                None
            }
            GuildChange::UnassignRole(role) => {
                let assignment = assignment(role);
                self.side.assignments.as_mut().map(|all| all.remove(&assignment));
                None
            }
            GuildChange::AdoptCohort { cohort, .. } => Some(*cohort),
            GuildChange::ForgetMember(member) => member.cohort,
            GuildChange::NoteMember(_)
            | GuildChange::ClaimRole(_)
            | GuildChange::ReleaseRole(_)
            | GuildChange::RetireCohort { .. } => None,
        }
    }
}

fn guild(name: &str, members: Vec<GuildMember>) -> Guild {
    Guild {
        uuid: GuildUuid::new(name),
        number: GroupId(7),
        label: name.to_owned(),
        status: GuildStatus::Published,
        hints: NameHints::default(),
        members,
    }
}

fn account(id: i64, name: &str) -> Account {
    Account {
        id: MoodleUserId(id),
        username: name.to_owned(),
        mail: format!("{name}@example.org"),
        guid: String::new(),
        first_name: name.to_owned(),
        last_name: "-".to_owned(),
        suspended: false,
        confirmed: true,
        auth: String::new(),
    }
}

/// Text without indentation, to write an expectation readably.
pub(crate) fn lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
