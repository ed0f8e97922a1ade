//! What is wrong in Moodle, at the ELM, in the mailboxes and in the journal, measured by what the systems of record said.

use crate::sites::Sites;
use crate::town::{Town, guid, mail};
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is not as it must be, in words.
pub async fn find_wrong(town: &Town, sites: &Sites, journal: &Journal) -> Vec<String> {
    let mut wrong = Vec::new();
    check_people(town, sites, &mut wrong);
    check_reports(town, sites, &mut wrong);
    check_guilds(town, sites, &mut wrong);
    check_mails(town, sites, journal, &mut wrong).await;
    let checked = journal.maintenance().check().await.unwrap();
    wrong.extend(checked.damage.iter().map(|damage| format!("the journal: {damage}")));
    for (link, records) in [("psa", town.records)] {
        let stored = sites.count(&format!("SELECT COUNT(*) FROM record WHERE link = '{link}' AND line = ''")).await;
        if stored != records {
            wrong.push(format!("the journal has {stored} of {records} records of {link}"));
        }
        let open = "SELECT COUNT(*) FROM record WHERE standing <> 'settled'";
        let waiting = sites.count(open).await;
        if waiting > 0 {
            wrong.push(format!("{waiting} records still wait"));
        }
    }
    let intents = journal.plans().unsettled_intents(&LinkName::new("psa")).await.unwrap();
    wrong.extend(intents.iter().map(|intent| format!("what became of {} is not known", intent.record)));
    wrong
}

fn check_people(town: &Town, sites: &Sites, wrong: &mut Vec<String>) {
    let world = sites.sandbox.world();
    let moodle = &world.moodle;
    for person in town.enrols.keys() {
        let accounts = moodle.users_by_idnumber(&guid(*person)).len();
        if accounts > 1 {
            wrong.push(format!("person {person} has {accounts} accounts"));
        }
    }
    let mut expected = BTreeSet::new();
    for (&(person, course), place) in &town.places {
        let user = moodle.user_by_guid(&guid(person)).map(|user| user.id);
        let id = moodle.courses_by_idnumber(&course.to_string())[0].id;
        let active = user.and_then(|user| moodle.enrolment(user, id)).is_some_and(|row| !row.suspended);
        if active != place.active {
            wrong.push(format!("person {person} in {course}: active is {active}, the ELM says {}", place.active));
        }
        expected.extend(user.map(|user| (user, id)));
    }
    for row in moodle.enrolments.iter().filter(|row| !expected.contains(&(row.user_id, row.course_id))) {
        wrong.push(format!("account {} is in course {}, of which the ELM knows nothing", row.user_id, row.course_id));
    }
}

fn check_reports(town: &Town, sites: &Sites, wrong: &mut Vec<String>) {
    let world = sites.sandbox.world();
    let mut there = BTreeMap::<i64, usize>::new();
    for received in &world.elm.completions {
        *there.entry(received.body["ENROLMENT_ID"].as_i64().unwrap_or(-1)).or_default() += 1;
    }
    for (pair, enrolment) in &town.completed {
        let times = there.remove(enrolment).unwrap_or(0);
        if times != 1 {
            wrong.push(format!("the ELM has the completion of {pair:?} {times} times"));
        }
    }
    wrong.extend(there.keys().map(|enrolment| format!("the ELM has a completion of {enrolment} that nobody made")));
}

fn check_guilds(town: &Town, sites: &Sites, wrong: &mut Vec<String>) {
    let world = sites.sandbox.world();
    for (group, members) in &town.guilds {
        let label = &world.community.groups[group].label;
        let name = format!("AVC - {label}");
        let cohorts: Vec<_> = world.moodle.cohorts.iter().filter(|cohort| cohort.name == name).collect();
        let [cohort] = cohorts.as_slice() else {
            wrong.push(format!("guild {label} has {} cohorts", cohorts.len()));
            continue;
        };
        let account = |uid: &i64| {
            let person = town.members[uid]?;
            world.moodle.users_by_email(&mail(person)).first().map(|user| user.id)
        };
        let expected: BTreeSet<i64> = members.iter().filter_map(account).collect();
        let there: BTreeSet<i64> = world.moodle.members_of(cohort.id).into_iter().collect();
        if expected != there {
            let (missing, extra) = (expected.difference(&there).count(), there.difference(&expected).count());
            wrong.push(format!("guild {label}: {missing} members missing, {extra} too many"));
        }
    }
    if world.moodle.cohorts.iter().count() != town.guilds.len() {
        wrong.push("there are cohorts of no guild".to_owned());
    }
}

/// A mail may be lost by a death in the middle of sending it; then the journal says that its fate is not known.
async fn check_mails(town: &Town, sites: &Sites, journal: &Journal, wrong: &mut Vec<String>) {
    let mut got = BTreeMap::<String, usize>::new();
    for mail in &sites.sandbox.world().mail.mails {
        *got.entry(mail.to.join(",").to_lowercase()).or_default() += 1;
    }
    let unknown = sites.count("SELECT COUNT(*) FROM outbox WHERE kind = 'mail' AND state = 'unknown'").await;
    let mut lost = 0;
    for (person, enrols) in &town.enrols {
        let times = got.remove(&mail(*person)).unwrap_or(0);
        if times > *enrols {
            wrong.push(format!("person {person} got {times} welcome mails for {enrols} enrolments"));
        }
        let is_in = town.places.iter().any(|((who, _), place)| who == person && place.active);
        lost += usize::from(times == 0 && is_in);
    }
    if lost > unknown {
        wrong.push(format!("{lost} people got no welcome mail, the journal knows of {unknown}"));
    }
    wrong.extend(got.keys().map(|to| format!("{to} got a mail and was never enrolled")));
    let due = journal.outbox().totals().await.unwrap();
    wrong.extend(
        due.iter().filter(|row| row.state == "due").map(|row| format!("{} {:?} are still due", row.total, row.kind)),
    );
}
