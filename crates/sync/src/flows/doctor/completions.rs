//! A completions link: is the opt-in field seen, may completions be seen in the way that is configured, can what was sent be
//! looked up. The address that takes completions is not tried: whatever is sent there is a report.

use super::{Chart, Check};
use crate::flows::completions::{CompletionsFlow, FoundBy, Sending};
use rollbook_clock::Clock;
use rollbook_core::desired::{Scan, ScanKind};
use rollbook_core::model::{MoodleCourseId, MoodleUserId, OptIn, counted, counted_as};
use rollbook_elm::client::{CompletionError, LookUpKey, Lookup};
use rollbook_moodle::client::wire::WireCourse;
use rollbook_moodle::snapshot::completions::{read_completions, read_opt_ins};
use rollbook_remote::database::Database;

/// The account whose completion is asked for: every Moodle has its first administrator, who need not be in the course.
const SOMEBODY: MoodleUserId = MoodleUserId(2);

/// Examines a completions link.
pub async fn examine_completions(flow: &CompletionsFlow, clock: &Clock) -> Vec<Check> {
    let mut chart = Chart::new(flow.link.as_str());
    look_at_tracking(&mut chart, flow).await;
    match &flow.method {
        FoundBy::Database(database) => look_at_database(&mut chart, flow, database, clock).await,
        FoundBy::Poll | FoundBy::Push => look_at_services(&mut chart, flow).await,
    }
    if flow.intakes.is_empty() {
        let mend = "add an intake link from the same ELM to the same Moodle: its records tell the enrolments";
        chart.bad("enrolments", "no intake link: nothing would be known by its enrolment", mend);
    }
    look_at_elm(&mut chart, flow).await;
    if flow.sending == Sending::Off {
        chart.warn("sending", "switched off: completions are recorded and not sent", "set `sending = true`");
    }
    chart.into_checks()
}

/// Whether the site tracks completion at all: where it does not, every course's own setting is idle. A Moodle that does not
/// answer is told by its own checks.
async fn look_at_tracking(chart: &mut Chart, flow: &CompletionsFlow) {
    let info = flow.moodle.reader().fetch_site_info().await;
    if info.is_ok_and(|info| info.tracks_completion() == Some(false)) {
        let mend = "switch enablecompletion on: Site administration, Advanced features";
        chart.bad("tracking", "completion tracking is switched off in the whole site: nobody completes anything", mend);
    }
}

async fn look_at_services(chart: &mut Chart, flow: &CompletionsFlow) {
    let reader = flow.moodle.reader();
    let courses = match reader.fetch_all_courses().await {
        Ok(courses) => courses,
        Err(error) => return chart.bad("opt-in", error.to_string(), "see the checks of the Moodle"),
    };
    let says = |course: &WireCourse| course.find_checkbox(&flow.opt_in_field);
    let shown = courses.iter().filter(|course| says(course).is_some()).count();
    let opted: Vec<&WireCourse> = courses.iter().filter(|course| says(course) == Some(true)).collect();
    look_at_opt_ins(chart, &flow.opt_in_field, shown, opted.len(), courses.len());
    let untracked: Vec<String> = opted
        .iter()
        .filter(|course| course.enablecompletion == Some(false))
        .map(|course| course.id.to_string())
        .collect();
    if !untracked.is_empty() {
        let detail = format!("opted in without tracking completion: course {}", untracked.join(", "));
        chart.warn("tracking", detail, "switch completion tracking on in these courses, or take the opt-in back");
    }
    let Some(course) = opted.iter().find(|course| course.enablecompletion == Some(true)) else { return };
    match reader.fetch_completion(course.id, SOMEBODY).await {
        Ok(_) => chart.good("may see completions", "report/completion:view"),
        Err(error) => match error.code() {
            Some("usernotenroled" | "nocriteriaset") => chart.good("may see completions", "report/completion:view"),
            Some("cannotviewreport") => chart.bad(
                "may see completions",
                format!("Moodle refuses to show who completed course {}", course.id),
                "give the service role report/completion:view",
            ),
            _ => chart.bad("may see completions", error.to_string(), "see the checks of the Moodle"),
        },
    }
}

async fn look_at_database(chart: &mut Chart, flow: &CompletionsFlow, database: &Database, clock: &Clock) {
    const MEND: &str = "check the site's [database], and that its account may SELECT from Moodle's tables";
    let now = clock.now();
    let courses = match read_opt_ins(database, &flow.opt_in_field, now).await {
        Ok(looked) => looked.value,
        Err(error) => return chart.bad("opt-in", error.to_string(), MEND),
    };
    let opted: Vec<MoodleCourseId> =
        courses.iter().filter(|course| course.opt_in == OptIn::In).map(|course| course.id).collect();
    look_at_opt_ins(chart, &flow.opt_in_field, courses.len(), opted.len(), courses.len());
    let nameless: Vec<String> = courses
        .iter()
        .filter(|course| course.opt_in == OptIn::In && course.elm_id.is_none())
        .map(|course| course.id.to_string())
        .collect();
    if !nameless.is_empty() {
        let detail = format!("opted in without an ID number: course {}", nameless.join(", "));
        chart.warn("ID numbers", detail, "give these courses the ELM's number; their completions wait for it");
    }
    let since = now.checked_sub(flow.overlap).unwrap_or(now);
    let (timer, hours) = (clock.timer(), flow.overlap.as_hours());
    match read_completions(database, &Scan { kind: ScanKind::Ordinary, since, courses: opted }, None).await {
        Ok((found, _)) => {
            let detail = format!("{} of the last {hours} hours, read in {} ms", found.len(), timer.elapsed_ms());
            chart.good("completions", detail);
        }
        Err(error) => chart.bad("completions", error.to_string(), MEND),
    }
}

fn look_at_opt_ins(chart: &mut Chart, field: &str, shown: usize, opted: usize, courses: usize) {
    const MEND: &str = "check `opt_in_field`, and that the course field is visible to everyone";
    match (shown, opted) {
        (0, _) => chart.bad("opt-in", format!("no course shows a field called {field}"), MEND),
        (_, 0) => chart.warn(
            "opt-in",
            format!("none of {} has opted in", counted(courses, "course")),
            "tick the field in a course",
        ),
        _ => chart.good("opt-in", format!("{opted} of {} opted in", counted_as(courses, "course has", "courses have"))),
    }
}

async fn look_at_elm(chart: &mut Chart, flow: &CompletionsFlow) {
    let nothing = LookUpKey { enrolment: "0", course: "0", guid: "0" };
    match flow.elm.fetch_lookup(nothing).await {
        Ok(Lookup::Nothing | Lookup::Found(_)) => chart.good("look-up", "what was sent can be looked for at the ELM"),
        Ok(Lookup::Unsupported) => {
            let mend = "set `lookup_url`; without it the ELM must take a second one with the same key for the same";
            chart.warn("look-up", "after a lost answer a completion is sent again, with the same key", mend);
        }
        Err(error) => {
            let mend = match error {
                CompletionError::Denied { .. } => "check the token, and the name of the header that carries it",
                _ => "check `lookup_url`, and that this machine may reach it",
            };
            chart.bad("look-up", error.to_string(), mend);
        }
    }
}
