//! Why somebody is or is not in a course, and whether HR knows that they finished: the journal's answer. Moodle is not asked.

use super::records::RecordView;
use crate::api::context::ApiContext;
use crate::api::document::ReadErrors;
use crate::api::extractors::QueryParams;
use crate::api::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, LinkName};
use rollbook_core::report::{Explanation, NowInMoodle};
use rollbook_journal::Story;
use rollbook_settings::link::Link;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whom, and about which course.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplainQuery {
    /// The person: a GUID, a mail address that they have or had, or the Moodle account's number.
    #[param(pattern = r"\S", max_length = 300)]
    person: String,
    /// The course: the ELM's id, which is Moodle's ID number.
    #[param(pattern = r"\S", max_length = 300)]
    course: String,
    /// The intake link, where there are several.
    link: Option<String>,
}

/// The answer, and the chain behind it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explained {
    /// The link.
    link: String,
    /// The person's GUID, as the feed writes it.
    guid: String,
    /// The course.
    course: String,
    /// Whether the person is in the course, in one sentence.
    answer: String,
    /// Why, in one sentence.
    because: String,
    /// Whether HR knows about a completion, in one sentence.
    completion: String,
    /// What happens next, in one sentence; empty where nothing does.
    next: String,
    /// What happened, the oldest first.
    chain: Vec<MomentView>,
    /// The feed's records, the oldest first.
    records: Vec<RecordView>,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MomentView {
    /// When.
    at: Timestamp,
    /// What.
    what: String,
}

/// Why somebody is or is not in a course, and whether HR knows that they finished
#[utoipa::path(get, path = "/explain", tag = "records", params(ExplainQuery),
    responses((status = 200, body = Explained),
        (status = 409, description = "Several people match, or several links", body = Problem,
            content_type = "application/problem+json"),
        ReadErrors))]
pub async fn explain_person(
    context: ApiContext,
    QueryParams(query): QueryParams<ExplainQuery>,
) -> Result<Json<Explained>, Problem> {
    let is_named = |text: &str| !text.trim().is_empty() && text.chars().count() <= 300;
    if !is_named(&query.person) || !is_named(&query.course) {
        return Err(Problem::invalid("person and course have 1 to 300 characters, and not only blanks"));
    }
    let link = find_link(&context, query.link.as_deref())?;
    let journal = &context.state.journal;
    let mut people = journal.people().find(&link, &query.person).await?;
    let person = match (people.pop(), people.len()) {
        (None, _) => return Err(Problem::not_found(format!("such person on {link}: no record names them"))),
        (Some(person), 0) => person,
        (Some(_), more) => {
            let detail = format!("{} people match: name one by GUID", more + 1);
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
    };
    let course = ElmCourseId::new(query.course.trim());
    let story: Story = journal.people().story(&link, &person.guid, Some(&course)).await?;
    let Explanation { answer, because, completion, next, chain } =
        story.explain(&person, &course, NowInMoodle::NotAsked);
    Ok(Json(Explained {
        guid: story.guid(&person).to_string(),
        link: link.to_string(),
        course: course.to_string(),
        answer,
        because,
        completion,
        next,
        chain: chain.into_iter().map(|moment| MomentView { at: moment.at, what: moment.what }).collect(),
        records: story.records.iter().map(RecordView::of).collect(),
    }))
}

fn find_link(context: &ApiContext, name: Option<&str>) -> Result<LinkName, Problem> {
    let intakes = || context.state.settings.links.values().filter(|link| matches!(link, Link::Intake(_)));
    if let Some(name) = name {
        let found = intakes().find(|link| link.name().as_str() == name);
        return found.map(|link| link.name().clone()).ok_or_else(|| Problem::not_found(format!("intake link {name}")));
    }
    match (intakes().next(), intakes().count()) {
        (Some(link), 1) => Ok(link.name().clone()),
        (None, _) => Err(Problem::not_found("intake link in the configuration")),
        (Some(_), _) => Err(Problem::new(StatusCode::CONFLICT, "there are several intake links: pass `link`")),
    }
}
