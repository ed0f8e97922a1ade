//! Completions: what was reported to the ELM and what waits; and one by hand: find it, see the body, send it, send it again,
//! give the enrolment id that it waits for.

use crate::auth::Permission;
use crate::incident::Failure;
use crate::layout::{
    Answer, Badge, Caller, Choice, Here, Shell, TimeFormatter, Tone, When, grouped, in_short, sentence, show,
};
use crate::pages::links::put;
use crate::pages::waiting::{RequestStatus, standing};
use askama::Template;
use axum::extract::{Form, Query};
use rollbook_core::model::{CompletionKey, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId};
use rollbook_journal::requests::{CompletionCard, Job, JobOutcome, NamedCompletion, RequestId};
use rollbook_journal::{CompletionQuery, CompletionRow};
use serde::Deserialize;

/// So many completions are shown.
const ROWS: u64 = 100;
const STANDINGS: [&str; 9] =
    ["waiting", "due", "sending", "unknown", "refused", "sent", "skipped", "cancelled", "marked"];

#[derive(Template)]
#[template(path = "pages/completions.html")]
struct CompletionsPage {
    shell: Shell,
    may_ask: bool,
    may_report: bool,
    link: String,
    links: Vec<Choice>,
    standings: Vec<Choice>,
    wanted: Wanted,
    totals: Vec<(String, String)>,
    rows: Vec<Row>,
    form: Named,
    request: Option<RequestStatus>,
    card: Option<Card>,
}

struct Row {
    completed: When,
    person: String,
    guid: String,
    course: String,
    badge: Badge,
    told: String,
    /// The number of its report, where it can be sent again.
    again: Option<i64>,
    /// The number of its report, where it can be given up.
    cancel: Option<i64>,
    /// What an enrolment id would be given for.
    supply: Option<Supply>,
}

struct Supply {
    user: MoodleUserId,
    course: MoodleCourseId,
    completed: String,
}

struct Card {
    person: String,
    account: String,
    course: String,
    enrolment: String,
    body: String,
    why_not: String,
    remedy: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    link: String,
    standing: String,
    guid: String,
    course: String,
    request: String,
}

pub(in crate::pages) async fn show_completions(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &caller.state.journal;
    let (mut request, mut card, mut form) = (None, None, Named::default());
    if let Ok(id) = wanted.request.parse().map(RequestId) {
        let asked = journal.requests().find(id).await?.ok_or_else(|| Failure::NotFound(format!("request {id}")))?;
        if let Job::PreviewCompletion { link, named } = &asked.job {
            form = Named::of(link, named);
        }
        request = Some(standing(&asked, &caller.clockwork(asked.job.link())));
        if let Some(JobOutcome::Completion(found)) = &asked.answer {
            card = Some(view(found));
        }
    }
    let names: Vec<String> = caller.state.settings.completions().map(|found| found.link.name.to_string()).collect();
    let chosen = [&wanted.link, &form.link].into_iter().find(|name| names.contains(name)).or(names.first());
    let link = chosen.cloned().unwrap_or_default();
    let name = LinkName::new(&link);
    let clockwork = caller.clockwork(Some(&name));
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let query = CompletionQuery {
        guid: said(&wanted.guid).map(|guid| Guid::new(&guid).folded()),
        course: said(&wanted.course).map(ElmCourseId::new),
        standing: said(&wanted.standing),
        limit: ROWS,
        ..CompletionQuery::default()
    };
    let rows = journal.completions().list(&name, &query).await?;
    let totals = journal.completions().totals(&name).await?;
    let live = if request.as_ref().is_some_and(|request| !request.is_finished) { 1 } else { 0 };
    let any = std::iter::once(("", "any".to_owned()));
    let page = CompletionsPage {
        shell: Shell { live, ..caller.shell("Completions", Here::Completions).await? },
        may_ask: caller.may(Permission::Ask),
        may_report: caller.may(Permission::Report),
        links: Choice::list(names.iter().map(|name| (name.as_str(), name.clone())), &link),
        standings: Choice::list(any.chain(STANDINGS.map(|word| (word, word.to_owned()))), &wanted.standing),
        totals: totals.into_iter().map(|(standing, total)| (standing, grouped(total))).collect(),
        rows: rows.iter().map(|row| line(row, &clockwork)).collect(),
        link,
        wanted,
        form,
        request,
        card,
    };
    show(&page)
}

fn view(found: &CompletionCard) -> Card {
    let CompletionCard { completion, account, course, course_name, enrolment, body, why_not, remedy } = found;
    Card {
        person: match format!("{} {}", account.first_name, account.last_name).trim() {
            "" => account.mail.clone(),
            name => name.to_owned(),
        },
        account: format!("account {}, {}, GUID {}", completion.user, account.mail, account.guid),
        course: format!("{course_name} ({course})"),
        enrolment: enrolment.as_ref().map(ToString::to_string).unwrap_or_default(),
        body: body.as_ref().map(|body| format!("{body:#}")).unwrap_or_default(),
        why_not: why_not.as_deref().map(sentence).unwrap_or_default(),
        remedy: remedy.as_deref().map(sentence).unwrap_or_default(),
    }
}

/// A person's name; of whom none is known, the account.
fn named(first_name: &str, last_name: &str, user: MoodleUserId) -> String {
    let name = format!("{first_name} {last_name}");
    if name.trim().is_empty() { format!("account {user}") } else { name.trim().to_owned() }
}

fn line(row: &CompletionRow, clockwork: &TimeFormatter) -> Row {
    let tone = match row.standing.as_str() {
        "sent" | "marked" => Tone::Good,
        "refused" | "waiting" => Tone::Bad,
        "skipped" | "cancelled" => Tone::Plain,
        _ => Tone::Busy,
    };
    let report = row.report.as_ref();
    let number = report.map(|report| report.id);
    let stands = |words: &[&str]| words.contains(&row.standing.as_str());
    Row {
        completed: clockwork.exactly(row.seen.key.completed_at),
        person: match report.map(|report| &report.report) {
            // A completion that polling found names nobody; its report has the feed's name.
            Some(report) => named(&report.first_name, &report.last_name, row.seen.key.user),
            None => named(&row.seen.first_name, &row.seen.last_name, row.seen.key.user),
        },
        guid: row.seen.guid.to_string(),
        course: match (&row.course, row.course_name.as_str()) {
            (Some(id), "") => id.to_string(),
            (Some(id), name) => format!("{name} ({id})"),
            (None, name) => name.to_owned(),
        },
        badge: Badge::new(tone, row.standing.clone()),
        told: in_short(report.map_or(&row.reason, |report| &report.answer)),
        again: number.filter(|_| stands(&["refused", "due"])),
        cancel: number.filter(|_| stands(&["refused", "due"])),
        supply: stands(&["waiting"]).then(|| Supply {
            user: row.seen.key.user,
            course: row.seen.key.course,
            completed: row.seen.key.completed_at.to_string(),
        }),
    }
}

/// A completion as the form names it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Named {
    link: String,
    user: String,
    course: String,
    date: String,
    enrolment: String,
}

impl Named {
    fn of(link: &LinkName, named: &NamedCompletion) -> Self {
        let NamedCompletion { user, course, date, enrolment } = named;
        Self {
            link: link.to_string(),
            user: user.clone(),
            course: course.to_string(),
            date: date.map(|date| date.to_string()).unwrap_or_default(),
            enrolment: enrolment.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    fn read(&self, caller: &Caller) -> Result<(LinkName, NamedCompletion), Failure> {
        let link = completions_link(caller, &self.link)?;
        let (user, course) = (self.user.trim(), self.course.trim());
        if user.is_empty() || course.is_empty() {
            return Err(Failure::Invalid("A person and a course are needed".to_owned()));
        }
        let date = match self.date.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| Failure::Invalid(format!("\"{text}\" is no day")))?),
        };
        let enrolment = Some(self.enrolment.trim()).filter(|id| !id.is_empty()).map(EnrolmentId::new);
        Ok((link, NamedCompletion { user: user.to_owned(), course: ElmCourseId::new(course), date, enrolment }))
    }
}

fn completions_link(caller: &Caller, name: &str) -> Result<LinkName, Failure> {
    let link = LinkName::new(name.trim());
    match caller.state.settings.completion(&link) {
        Ok(_) => Ok(link),
        Err(_) => Err(Failure::NotFound(format!("completions link called {link}"))),
    }
}

pub(in crate::pages) async fn preview(caller: Caller, Form(form): Form<Named>) -> Answer {
    let (link, named) = form.read(&caller)?;
    let path = put(&caller, &Job::PreviewCompletion { link, named }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(caller.done("Moodle is being asked; nothing is sent yet", &format!("/completions?request={id}")))
}

pub(in crate::pages) async fn send(caller: Caller, Form(form): Form<Named>) -> Answer {
    let (link, named) = form.read(&caller)?;
    let path = put(&caller, &Job::SendCompletion { link, named }).await?;
    Ok(caller.done("The completion is on its way", &path))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct OfReport {
    link: String,
    report: i64,
}

pub(in crate::pages) async fn retry(caller: Caller, Form(form): Form<OfReport>) -> Answer {
    let link = completions_link(&caller, &form.link)?;
    let path = put(&caller, &Job::RetryCompletions { link, reports: vec![form.report] }).await?;
    Ok(caller.done("The report is sent again", &path))
}

pub(in crate::pages) async fn cancel(caller: Caller, Form(form): Form<OfReport>) -> Answer {
    let link = completions_link(&caller, &form.link)?;
    let journal = &caller.state.journal;
    let cancelled =
        journal.completions().cancel_reports(&link, &[form.report], &caller.visitor.name, caller.now).await?;
    if cancelled == 0 {
        return Err(Failure::Conflict("This report is not to be given up any more".to_owned()));
    }
    Ok(caller.done("The report will not be sent", &format!("/completions?link={link}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Supplied {
    link: String,
    user: i64,
    course: i64,
    completed: String,
    enrolment: String,
}

pub(in crate::pages) async fn supply(caller: Caller, Form(form): Form<Supplied>) -> Answer {
    let link = completions_link(&caller, &form.link)?;
    let completed_at = form.completed.parse();
    let completed_at =
        completed_at.map_err(|_| Failure::Invalid("The moment of the completion is no time".to_owned()))?;
    if form.enrolment.trim().is_empty() {
        return Err(Failure::Invalid("An enrolment id is needed".to_owned()));
    }
    let completion = CompletionKey { user: MoodleUserId(form.user), course: MoodleCourseId(form.course), completed_at };
    let enrolment = EnrolmentId::new(form.enrolment.trim());
    let path = put(&caller, &Job::SupplyEnrolment { link, completion, enrolment }).await?;
    Ok(caller.done("The enrolment id was noted; the completion is reported with it", &path))
}
