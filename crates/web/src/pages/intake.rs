//! Manual intake: query the feed, compare each record with Moodle, and process selected ones.

use super::submit::submit;
use super::views::feed_card::{FeedCardView, feed_card, parse_fingerprints};
use super::views::request::{RequestStatus, request_status};
use crate::auth::permissions::Permission;
use crate::layout::{Layout, PageContext, PageLocation, PageResult, SelectOption, ShownTime, TimeFormatter, show};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, QueryParams};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use rollbook_core::model::{ElmCourseId, Guid, LinkName};
use rollbook_journal::requests::{FeedQuery, Job, JobOutcome, RequestId};
use rollbook_journal::{Journal, JournalError, LogQuery, LogRow};
use serde::Deserialize;

/// So many earlier lines are shown beside a record.
const EARLIER: u32 = 3;
/// So many cards are shown; a narrower question shows the rest.
const CARDS_MAX: usize = 50;

#[derive(Template)]
#[template(path = "pages/intake.html")]
struct IntakePage {
    layout: Layout,
    may_run: bool,
    links: Vec<SelectOption>,
    form: FeedForm,
    /// Why the form was refused.
    error: String,
    request: Option<RequestStatus>,
    found: Option<Found>,
}

struct Found {
    read: ShownTime,
    cards: Vec<FeedCardView>,
    left_out: u64,
    gaps: Vec<String>,
    link: String,
    request: String,
}

/// What the form asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct FeedForm {
    link: String,
    from: String,
    until: String,
    mail: String,
    guid: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct IntakePageQuery {
    request: String,
    guid: String,
    mail: String,
}

pub(in crate::pages) async fn show_intake(
    context: PageContext,
    QueryParams(query): QueryParams<IntakePageQuery>,
) -> PageResult {
    let journal = &context.state.journal;
    let mut form = FeedForm { guid: query.guid, mail: query.mail, ..FeedForm::default() };
    let mut request = None;
    let mut found = None;
    if let Ok(id) = query.request.parse().map(RequestId) {
        let asked = journal.requests().find(id).await?.ok_or_else(|| PageError::NotFound(format!("request {id}")))?;
        let Job::QueryFeed { link, question } = &asked.job else {
            return Err(PageError::NotFound(format!("feed query {id}")));
        };
        let times = context.times(Some(link));
        form = filled(link, question, &times);
        request = Some(request_status(&asked, &times));
        if let Some(JobOutcome::Feed(answer)) = &asked.answer {
            let mut cards = Vec::new();
            for one in answer.records.iter().take(CARDS_MAX) {
                let earlier = earlier(journal, link, &one.texts.guid, &one.texts.course).await?;
                cards.push(feed_card(&context.state.settings, link, one, &earlier, &times));
            }
            found = Some(Found {
                read: times.ago(answer.read),
                left_out: answer.left_out + answer.records.len().saturating_sub(CARDS_MAX) as u64,
                cards,
                gaps: answer.gaps.clone(),
                link: link.to_string(),
                request: id.to_string(),
            });
        }
    }
    show(&page(&context, form, (request, found), String::new()).await?)
}

async fn page(
    context: &PageContext,
    form: FeedForm,
    (request, found): (Option<RequestStatus>, Option<Found>),
    error: String,
) -> Result<IntakePage, PageError> {
    let live = if request.as_ref().is_some_and(|request| !request.is_finished) { 1 } else { 0 };
    let names: Vec<String> = context.state.settings.intakes().map(|found| found.link.name.to_string()).collect();
    Ok(IntakePage {
        error,
        layout: Layout { live, ..context.layout("Manual intake", PageLocation::Intake).await? },
        may_run: context.may(Permission::Run),
        links: SelectOption::list(names.iter().map(|name| (name.as_str(), name.clone())), &form.link),
        form,
        request,
        found,
    })
}

fn filled(link: &LinkName, question: &FeedQuery, times: &TimeFormatter) -> FeedForm {
    let FeedQuery { from, until, mail, guid } = question;
    let field = |moment: &Option<jiff::Timestamp>| moment.map(|at| times.field(at)).unwrap_or_default();
    FeedForm {
        link: link.to_string(),
        from: field(from),
        until: field(until),
        mail: mail.clone().unwrap_or_default(),
        guid: guid.clone().unwrap_or_default(),
    }
}

/// The newest lines of the log about a person and course.
async fn earlier(journal: &Journal, link: &LinkName, guid: &str, course: &str) -> Result<Vec<LogRow>, JournalError> {
    if guid.trim().is_empty() {
        return Ok(Vec::new());
    }
    let query = LogQuery {
        link: Some(link.clone()),
        guid: Some(Guid::new(guid)),
        course: Some(ElmCourseId::new(course)),
        limit: EARLIER,
        ..LogQuery::default()
    };
    Ok(journal.records().log(&query).await?.rows)
}

pub(in crate::pages) async fn query_feed(context: PageContext, FormData(form): FormData<FeedForm>) -> PageResult {
    let (link, question) = match parse(&context, &form) {
        Ok(parsed) => parsed,
        // What was typed stays, with what is wrong about it.
        Err(PageError::Invalid(why)) => {
            let page = page(&context, form, (None, None), format!("{why}.")).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response());
        }
        Err(other) => return Err(other),
    };
    let path = submit(&context, &Job::QueryFeed { link, question }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(context.redirect("The feed query is running", &format!("/intake?request={id}")))
}

fn parse(context: &PageContext, form: &FeedForm) -> Result<(LinkName, FeedQuery), PageError> {
    let link = LinkName::new(form.link.trim());
    context.state.settings.intake(&link).map_err(|_| PageError::NotFound(format!("intake link called {link}")))?;
    let times = context.times(Some(&link));
    let moment = |text: &str| -> Result<Option<jiff::Timestamp>, PageError> {
        match text.trim() {
            "" => Ok(None),
            text => times
                .read_field(text)
                .map(Some)
                .ok_or_else(|| PageError::Invalid(format!("\"{text}\" is not a valid time"))),
        }
    };
    let non_blank = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let question = FeedQuery {
        from: moment(&form.from)?,
        until: moment(&form.until)?,
        mail: non_blank(&form.mail),
        guid: non_blank(&form.guid),
    };
    if !question.is_bounded() {
        return Err(PageError::Invalid("Enter a start time, a mail address or a GUID".to_owned()));
    }
    Ok((link, question))
}

pub(in crate::pages) async fn process(
    context: PageContext,
    FormData(fields): FormData<Vec<(String, String)>>,
) -> PageResult {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let id = field("request").and_then(|id| id.parse().ok()).map(RequestId);
    let id = id.ok_or_else(|| PageError::Invalid("No feed query was named".to_owned()))?;
    let asked = context.state.journal.requests().find(id).await?;
    let asked = asked.ok_or_else(|| PageError::NotFound(format!("request {id}")))?;
    let Job::QueryFeed { link, question } = asked.job else {
        return Err(PageError::Invalid(format!("Request {id} is not a feed query")));
    };
    let texts: Vec<String> =
        fields.iter().filter(|(name, _)| name == "record").map(|(_, value)| value.clone()).collect();
    let records = parse_fingerprints(&texts);
    if records.is_empty() {
        return Err(PageError::Invalid("No record was selected".to_owned()));
    }
    let path = submit(&context, &Job::ProcessRecords { link, question, records }).await?;
    Ok(context.redirect("The records are being processed", &path))
}
