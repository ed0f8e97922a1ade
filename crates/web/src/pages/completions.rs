//! Completions: what was reported to the ELM and what waits; and a manual one: find it, see the body, send it, send it again,
//! supply the enrolment id that it waits for.

use super::submit::submit;
use super::views::moodle::MoodleUrls;
use super::views::record::person_path;
use super::views::request::{RequestStatus, request_status};
use crate::auth::permissions::Permission;
use crate::layout::{
    Badge, Layout, PageContext, PageLocation, PageResult, SelectOption, ShownTime, TimeFormatter, Tone, format_count,
    sentence, show, summarise_response,
};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, QueryParams};
use askama::Template;
use rollbook_core::model::{CompletionKey, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId};
use rollbook_journal::requests::{CompletionCard, Job, JobOutcome, NamedCompletion, RequestId};
use rollbook_journal::{CompletionQuery, CompletionRow, JournalError};
use serde::Deserialize;

/// So many completions are shown.
const ROWS: u64 = 100;
const STANDINGS: [&str; 9] =
    ["waiting", "due", "sending", "unknown", "refused", "sent", "skipped", "cancelled", "marked"];

#[derive(Template)]
#[template(path = "pages/completions.html")]
struct CompletionsPage {
    layout: Layout,
    may_query: bool,
    may_report: bool,
    link: String,
    links: Vec<SelectOption>,
    standings: Vec<SelectOption>,
    query: CompletionsPageQuery,
    totals: Vec<(String, String)>,
    rows: Vec<CompletionRowView>,
    form: CompletionForm,
    request: Option<RequestStatus>,
    card: Option<PreviewCard>,
}

struct CompletionRowView {
    completed: ShownTime,
    person: String,
    guid: String,
    person_path: String,
    account_url: String,
    course: String,
    course_url: String,
    badge: Badge,
    details: String,
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

struct PreviewCard {
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
pub(in crate::pages) struct CompletionsPageQuery {
    link: String,
    standing: String,
    guid: String,
    course: String,
    request: String,
}

pub(in crate::pages) async fn show_completions(
    context: PageContext,
    QueryParams(query): QueryParams<CompletionsPageQuery>,
) -> PageResult {
    let journal = &context.state.journal;
    let (mut request, mut card, mut form) = (None, None, CompletionForm::default());
    if let Ok(id) = query.request.parse().map(RequestId) {
        let asked = journal.requests().find(id).await?.ok_or_else(|| PageError::NotFound(format!("request {id}")))?;
        if let Job::PreviewCompletion { link, named } = &asked.job {
            form = CompletionForm::of(link, named);
        }
        request = Some(request_status(&asked, &context.times(asked.job.link())));
        if let Some(JobOutcome::Completion(found)) = &asked.answer {
            let mut preview = view(found);
            if let Some(link) = asked.job.link() {
                say_what_became_of_it(&context, link, found, &mut preview).await?;
            }
            card = Some(preview);
        }
    }
    let names: Vec<String> = context.state.settings.completions().map(|found| found.link.name.to_string()).collect();
    let chosen = [&query.link, &form.link].into_iter().find(|name| names.contains(name)).or(names.first());
    let link = chosen.cloned().unwrap_or_default();
    let name = LinkName::new(&link);
    let times = context.times(Some(&name));
    let non_blank = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let completion_query = CompletionQuery {
        guid: non_blank(&query.guid).map(|guid| Guid::new(&guid).folded()),
        course: non_blank(&query.course).map(ElmCourseId::new),
        standing: non_blank(&query.standing),
        limit: ROWS,
        ..CompletionQuery::default()
    };
    let moodle = MoodleUrls::of(&context.state.settings, &name);
    let rows = journal.completions().list(&name, &completion_query).await?;
    let totals = journal.completions().totals(&name).await?;
    let live = if request.as_ref().is_some_and(|request| !request.is_finished) { 1 } else { 0 };
    let any = std::iter::once(("", "any".to_owned()));
    let page = CompletionsPage {
        layout: Layout { live, ..context.layout("Completions", PageLocation::Completions).await? },
        may_query: context.may(Permission::Query),
        may_report: context.may(Permission::Report),
        links: SelectOption::list(names.iter().map(|name| (name.as_str(), name.clone())), &link),
        standings: SelectOption::list(any.chain(STANDINGS.map(|word| (word, word.to_owned()))), &query.standing),
        totals: totals.into_iter().map(|(standing, total)| (standing, format_count(total))).collect(),
        rows: rows.iter().map(|row| completion_row(&name, row, &moodle, &times)).collect(),
        link,
        query,
        form,
        request,
        card,
    };
    show(&page)
}

fn view(found: &CompletionCard) -> PreviewCard {
    let CompletionCard { completion, account, course, course_name, enrolment, body, why_not, remedy } = found;
    PreviewCard {
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

/// A report that exists is no success yet: what became of it counts, as the list below says it.
async fn say_what_became_of_it(
    context: &PageContext,
    link: &LinkName,
    found: &CompletionCard,
    card: &mut PreviewCard,
) -> Result<(), JournalError> {
    let query = CompletionQuery {
        guid: Some(Guid::new(&found.account.guid).folded()),
        course: Some(found.course.clone()),
        limit: ROWS,
        ..CompletionQuery::default()
    };
    let rows = context.state.journal.completions().list(link, &query).await?;
    let Some(row) = rows.iter().find(|row| row.seen.key == found.completion) else { return Ok(()) };
    let answer = row.report.as_ref().map(|report| summarise_response(&report.answer)).unwrap_or_default();
    let (why_not, remedy) = match row.standing.as_str() {
        "refused" => (
            format!("The ELM refused this completion: {answer}"),
            "Fix the cause, then send the report again from the list above.",
        ),
        "cancelled" => {
            ("The report of this completion was cancelled.".to_owned(), "Send it again from the list above.")
        }
        "due" | "sending" => ("The report of this completion is queued.".to_owned(), "Wait for the ELM's answer."),
        "unknown" => (
            "The report of this completion was sent and got no answer.".to_owned(),
            "Rollbook checks with the ELM before it sends it again.",
        ),
        _ => return Ok(()),
    };
    (card.why_not, card.remedy) = (why_not, remedy.to_owned());
    Ok(())
}

/// A person's name; of whom none is known, the account.
fn named(first_name: &str, last_name: &str, user: MoodleUserId) -> String {
    let name = format!("{first_name} {last_name}");
    if name.trim().is_empty() { format!("account {user}") } else { name.trim().to_owned() }
}

fn completion_row(
    link: &LinkName,
    row: &CompletionRow,
    moodle: &MoodleUrls,
    times: &TimeFormatter,
) -> CompletionRowView {
    let tone = match row.standing.as_str() {
        "sent" | "marked" => Tone::Good,
        "refused" | "waiting" => Tone::Bad,
        "skipped" | "cancelled" => Tone::Plain,
        _ => Tone::Busy,
    };
    let report = row.report.as_ref();
    let number = report.map(|report| report.id);
    let stands = |words: &[&str]| words.contains(&row.standing.as_str());
    CompletionRowView {
        completed: times.exactly(row.seen.key.completed_at),
        person: match report.map(|report| &report.report) {
            // A completion that polling found names nobody; its report has the feed's name.
            Some(report) => named(&report.first_name, &report.last_name, row.seen.key.user),
            None => named(&row.seen.first_name, &row.seen.last_name, row.seen.key.user),
        },
        guid: row.seen.guid.to_string(),
        person_path: person_path(link, row.seen.guid.as_str(), row.course.as_ref().map_or("", ElmCourseId::as_str)),
        account_url: moodle.account(row.seen.key.user),
        course_url: moodle.participants(row.seen.key.course),
        course: match (&row.course, row.course_name.as_str()) {
            (Some(id), "") => id.to_string(),
            (Some(id), name) => format!("{name} ({id})"),
            (None, name) => name.to_owned(),
        },
        badge: Badge::new(tone, row.standing.clone()),
        details: summarise_response(report.map_or(&row.reason, |report| &report.answer)),
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
pub(in crate::pages) struct CompletionForm {
    link: String,
    user: String,
    course: String,
    date: String,
    enrolment: String,
}

impl CompletionForm {
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

    fn read(&self, context: &PageContext) -> Result<(LinkName, NamedCompletion), PageError> {
        let link = completions_link(context, &self.link)?;
        let (user, course) = (self.user.trim(), self.course.trim());
        if user.is_empty() || course.is_empty() {
            return Err(PageError::Invalid("Enter a person and a course".to_owned()));
        }
        let date = match self.date.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| PageError::Invalid(format!("\"{text}\" is not a valid date")))?),
        };
        let enrolment = Some(self.enrolment.trim()).filter(|id| !id.is_empty()).map(EnrolmentId::new);
        Ok((link, NamedCompletion { user: user.to_owned(), course: ElmCourseId::new(course), date, enrolment }))
    }
}

fn completions_link(context: &PageContext, name: &str) -> Result<LinkName, PageError> {
    let link = LinkName::new(name.trim());
    match context.state.settings.completion(&link) {
        Ok(_) => Ok(link),
        Err(_) => Err(PageError::NotFound(format!("completions link called {link}"))),
    }
}

pub(in crate::pages) async fn preview(context: PageContext, FormData(form): FormData<CompletionForm>) -> PageResult {
    let (link, named) = form.read(&context)?;
    let path = submit(&context, &Job::PreviewCompletion { link, named }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(context.redirect("Moodle is being queried; nothing is sent yet", &format!("/completions?request={id}")))
}

pub(in crate::pages) async fn send(context: PageContext, FormData(form): FormData<CompletionForm>) -> PageResult {
    let (link, named) = form.read(&context)?;
    let path = submit(&context, &Job::SendCompletion { link, named }).await?;
    Ok(context.redirect("Sending the completion was requested", &path))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct ReportForm {
    link: String,
    report: i64,
}

pub(in crate::pages) async fn retry(context: PageContext, FormData(form): FormData<ReportForm>) -> PageResult {
    let link = completions_link(&context, &form.link)?;
    let path = submit(&context, &Job::RetryCompletions { link, reports: vec![form.report] }).await?;
    Ok(context.redirect("Sending the report again was requested", &path))
}

pub(in crate::pages) async fn cancel(context: PageContext, FormData(form): FormData<ReportForm>) -> PageResult {
    let link = completions_link(&context, &form.link)?;
    let journal = &context.state.journal;
    let cancelled =
        journal.completions().cancel_reports(&link, &[form.report], &context.user.name, context.now).await?;
    if cancelled == 0 {
        return Err(PageError::Conflict("This report can no longer be cancelled".to_owned()));
    }
    Ok(context.redirect("The report is cancelled and will not be sent", &format!("/completions?link={link}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct EnrolmentIdForm {
    link: String,
    user: i64,
    course: i64,
    completed: String,
    enrolment: String,
}

pub(in crate::pages) async fn supply(context: PageContext, FormData(form): FormData<EnrolmentIdForm>) -> PageResult {
    let link = completions_link(&context, &form.link)?;
    let completed_at = form.completed.parse();
    let completed_at =
        completed_at.map_err(|_| PageError::Invalid("The time of the completion is not valid".to_owned()))?;
    if form.enrolment.trim().is_empty() {
        return Err(PageError::Invalid("Enter an enrolment id".to_owned()));
    }
    let completion = CompletionKey { user: MoodleUserId(form.user), course: MoodleCourseId(form.course), completed_at };
    let enrolment = EnrolmentId::new(form.enrolment.trim());
    let path = submit(&context, &Job::SupplyEnrolment { link, completion, enrolment }).await?;
    Ok(context.redirect("The enrolment id was saved; the completion is reported with it", &path))
}
