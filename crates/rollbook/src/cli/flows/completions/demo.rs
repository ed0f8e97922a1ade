//! The demo's completions: reported, refused, with a lost answer, and without an enrolment record.

use super::print::{Shown, print_report};
use crate::cli::Context;
use crate::cli::output::Sign;
use jiff::{SignedDuration, Timestamp};
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{LinkName, MoodleCourseId, MoodleUserId};
use rollbook_journal::{Journal, PushedEvent, Received};
use rollbook_sandbox::{Fault, Kind, Sandbox, Target, demo};
use rollbook_settings::Settings;
use rollbook_sync::flows::completions::{
    CompletionsFlow, CompletionsReport, CompletionsRequest, Purpose, Reach, make_completions, run_completions,
};
use std::time::Duration;

/// The shortest wait of a configuration, which the demo's has, and a bit.
const MOMENT: Duration = Duration::from_millis(1_100);

/// A learner of the made-up world whom the feed has enrolled.
struct Learner {
    user: i64,
    course: i64,
    enrolment: i64,
}

/// Lets people complete courses, reports them, and looks after the answer that was lost.
pub(in crate::cli) async fn tell_completions(
    context: &mut Context,
    sandbox: &Sandbox,
    settings: &Settings,
    journal: &Journal,
    link: &str,
) -> miette::Result<()> {
    let found = settings.completion(&LinkName::new(link))?;
    let flow = make_completions(&found, settings).into_diagnostic().wrap_err("while preparing the completions")?;
    let learners = learners(sandbox);
    let [refused, lost, plain @ ..] = learners.as_slice() else {
        return Err(miette!("the demo's world has too few learners"));
    };
    context.out.heading("People complete courses: each completion is reported to the ELM once");
    for (ago, learner) in (3..).zip([refused, lost].into_iter().chain(plain)) {
        complete(sandbox, learner.user, learner.course, context.clock.now() - SignedDuration::from_mins(ago));
    }
    sandbox.world().elm.closed.insert(refused.enrolment);
    push_stranger(context, sandbox, journal, &flow.link).await?;
    // The reports leave one after the other, the earliest completion first; this one's answer is lost.
    let nth = learners.len() as u64;
    sandbox.faults().arm(Fault::nth(Target::Completion, nth, Kind::HttpAfterEffect(502)));
    let first = run(context, &flow, journal, link).await?;
    context.out.heading("A moment later: the report without an answer is looked up first");
    tokio::time::sleep(MOMENT).await;
    let second = run(context, &flow, journal, link).await?;
    sandbox.faults().clear();

    let received = sandbox.world().elm.completions.len() as u64;
    let accepted = first.delivered.accepted + second.delivered.accepted;
    if received != accepted || first.delivered.refused != 1 || second.delivered.found != 1 {
        return Err(miette!("the ELM got {received} completions for {accepted} that count as accepted"));
    }
    context.out.sign(Sign::Done, format_args!("the ELM received {received} completions, none twice"));
    Ok(())
}

async fn run(
    context: &mut Context,
    flow: &CompletionsFlow,
    journal: &Journal,
    link: &str,
) -> miette::Result<CompletionsReport> {
    let request = CompletionsRequest { purpose: Purpose::Apply, reach: Reach::Usual, author: "demo".to_owned() };
    let report = run_completions(flow, journal, &context.clock, &request, &context.stop).await;
    let report = report.into_diagnostic().wrap_err("while running the demo's completions")?;
    let shown = Shown { link, purpose: Purpose::Apply, detailed: false, zone: &flow.policy.zone };
    print_report(&report, &shown, &mut context.out);
    Ok(report)
}

/// Moodle says that somebody completed an opted-in course in which the ELM never enrolled them.
async fn push_stranger(context: &Context, sandbox: &Sandbox, journal: &Journal, link: &LinkName) -> miette::Result<()> {
    let now = context.clock.now();
    let (user, course) = {
        let mut world = sandbox.world();
        let course = world.moodle.courses_by_idnumber(&demo::FIRST_COURSE.to_string()).first().map_or(0, |one| one.id);
        let user = world.moodle.add_user("CA5E0099D7A24F53B8DC558936D0A099", "Walker.In@gov.example", "Walker", "In");
        world.moodle.enrol(user, course);
        (user, course)
    };
    complete(sandbox, user, course, now - SignedDuration::from_mins(2));
    let event =
        PushedEvent { signature: format!("demo {now}"), user: MoodleUserId(user), course: MoodleCourseId(course) };
    match journal.completions().accept_event(link, &event, now, now).await.into_diagnostic()? {
        Received::New => Ok(()),
        Received::Duplicate => Err(miette!("the demo's event had been received before")),
    }
}

fn complete(sandbox: &Sandbox, user: i64, course: i64, at: Timestamp) {
    let mut world = sandbox.world();
    world.moodle.courses.edit(course, |course| course.has_criteria = true);
    world.moodle.complete(user, course, at);
}

/// People with one enrolment record in an opted-in course and nothing special about them.
fn learners(sandbox: &Sandbox) -> Vec<Learner> {
    const MOST: usize = 5;
    let world = sandbox.world();
    let guid = |row: &serde_json::Value| row["GUID"].as_str().unwrap_or_default().to_owned();
    let special = |guid: &str| demo::CASES.iter().any(|case| case.guid == guid);
    let once = |wanted: &str| world.elm.rows.iter().filter(|row| guid(row) == wanted).count() == 1;
    let mut found = Vec::new();
    for row in world.elm.rows.iter().filter(|row| row["COURSE_STATE"] == "Enrol") {
        let (guid, number) = (guid(row), row["COURSE_IDENTIFIER"].as_i64().unwrap_or_default());
        let courses = world.moodle.courses_by_idnumber(&number.to_string());
        let course = courses.first().filter(|course| courses.len() == 1 && course.opt_in == Some(true));
        let user = world.moodle.users.iter().find(|user| user.idnumber == guid);
        if let (Some(user), Some(course), Some(enrolment)) = (user, course, row["ENROLMENT_ID"].as_i64())
            && once(&guid)
            && !special(&guid)
            && world.moodle.enrolments_of_user(user.id).any(|enrolment| enrolment.course_id == course.id)
        {
            found.push(Learner { user: user.id, course: course.id, enrolment });
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}
