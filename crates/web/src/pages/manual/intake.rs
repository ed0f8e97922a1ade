//! Intake by hand: ask the feed, see each record beside what Moodle says, and process those that are meant.

use super::card::{Card, card, read_records};
use crate::auth::Permission;
use crate::incident::Failure;
use crate::layout::{Answer, Caller, Choice, Here, Shell, TimeFormatter, When, show};
use crate::pages::links::put;
use crate::pages::waiting::{RequestStatus, standing};
use askama::Template;
use axum::extract::{Form, Query};
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
    shell: Shell,
    may_run: bool,
    links: Vec<Choice>,
    form: FeedForm,
    request: Option<RequestStatus>,
    found: Option<Found>,
}

struct Found {
    read: When,
    cards: Vec<Card>,
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
pub(in crate::pages) struct Wanted {
    request: String,
    guid: String,
    mail: String,
}

pub(in crate::pages) async fn show_intake(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &caller.state.journal;
    let mut form = FeedForm { guid: wanted.guid, mail: wanted.mail, ..FeedForm::default() };
    let mut request = None;
    let mut found = None;
    if let Ok(id) = wanted.request.parse().map(RequestId) {
        let asked = journal.requests().find(id).await?.ok_or_else(|| Failure::NotFound(format!("request {id}")))?;
        let Job::QueryFeed { link, question } = &asked.job else {
            return Err(Failure::NotFound(format!("question to the feed with the number {id}")));
        };
        let clockwork = caller.clockwork(Some(link));
        form = filled(link, question, &clockwork);
        request = Some(standing(&asked, &clockwork));
        if let Some(JobOutcome::Feed(answer)) = &asked.answer {
            let mut cards = Vec::new();
            for one in answer.records.iter().take(CARDS_MAX) {
                let earlier = earlier(journal, link, &one.texts.guid, &one.texts.course).await?;
                cards.push(card(link, one, &earlier, &clockwork));
            }
            found = Some(Found {
                read: clockwork.ago(answer.read),
                left_out: answer.left_out + answer.records.len().saturating_sub(CARDS_MAX) as u64,
                cards,
                gaps: answer.gaps.clone(),
                link: link.to_string(),
                request: id.to_string(),
            });
        }
    }
    let live = if request.as_ref().is_some_and(|request| !request.is_finished) { 1 } else { 0 };
    let names: Vec<String> = caller.state.settings.intakes().map(|found| found.link.name.to_string()).collect();
    let page = IntakePage {
        shell: Shell { live, ..caller.shell("Intake by hand", Here::Intake).await? },
        may_run: caller.may(Permission::Run),
        links: Choice::list(names.iter().map(|name| (name.as_str(), name.clone())), &form.link),
        form,
        request,
        found,
    };
    show(&page)
}

fn filled(link: &LinkName, question: &FeedQuery, clockwork: &TimeFormatter) -> FeedForm {
    let FeedQuery { from, until, mail, guid } = question;
    let field = |moment: &Option<jiff::Timestamp>| moment.map(|at| clockwork.field(at)).unwrap_or_default();
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

pub(in crate::pages) async fn ask_feed(caller: Caller, Form(form): Form<FeedForm>) -> Answer {
    let link = LinkName::new(form.link.trim());
    caller.state.settings.intake(&link).map_err(|_| Failure::NotFound(format!("intake link called {link}")))?;
    let clockwork = caller.clockwork(Some(&link));
    let moment = |text: &str| -> Result<Option<jiff::Timestamp>, Failure> {
        match text.trim() {
            "" => Ok(None),
            text => {
                clockwork.read_field(text).map(Some).ok_or_else(|| Failure::Invalid(format!("\"{text}\" is no time")))
            }
        }
    };
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let question = FeedQuery {
        from: moment(&form.from)?,
        until: moment(&form.until)?,
        mail: said(&form.mail),
        guid: said(&form.guid),
    };
    if !question.is_bounded() {
        return Err(Failure::Invalid("Name a time to begin with, a mail address or a GUID".to_owned()));
    }
    let path = put(&caller, &Job::QueryFeed { link, question }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(caller.done("The feed is being asked", &format!("/intake?request={id}")))
}

pub(in crate::pages) async fn process(caller: Caller, Form(fields): Form<Vec<(String, String)>>) -> Answer {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let id = field("request").and_then(|id| id.parse().ok()).map(RequestId);
    let id = id.ok_or_else(|| Failure::Invalid("No question to the feed was named".to_owned()))?;
    let asked = caller.state.journal.requests().find(id).await?;
    let asked = asked.ok_or_else(|| Failure::NotFound(format!("request {id}")))?;
    let Job::QueryFeed { link, question } = asked.job else {
        return Err(Failure::Invalid(format!("Request {id} is no question to the feed")));
    };
    let texts: Vec<String> =
        fields.iter().filter(|(name, _)| name == "record").map(|(_, value)| value.clone()).collect();
    let records = read_records(&texts);
    if records.is_empty() {
        return Err(Failure::Invalid("No record was chosen".to_owned()));
    }
    let path = put(&caller, &Job::ProcessRecords { link, question, records }).await?;
    Ok(caller.done("The records are being processed, the ordinary way", &path))
}
