//! Attention: what needs a person, its evidence, and each safe way out. A decision is a request to the process, which releases
//! every record that waits behind the item.

use super::records::RecordView;
use super::{page_of, page_size, reason};
use crate::api::context::{Accepted, ApiContext};
use crate::api::document::{ReadErrors, WriteErrors};
use crate::api::extractors::{Integer, JsonBody, PageCursor, PathParam, QueryParams};
use crate::api::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use jiff::Timestamp;
use rollbook_core::model::{LinkName, MoodleUserId};
use rollbook_journal::requests::{AttentionAct, Job};
use rollbook_journal::{AttentionFilter, AttentionItem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// Records that are shown with an item.
const RECORDS: u32 = 100;

/// Something that needs, or needed, a person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ItemView {
    /// Its number.
    id: i64,
    /// Its link.
    link: String,
    /// The outcome code, or another word.
    kind: String,
    /// What it is about: a course, a person, an address.
    subject: String,
    /// It in one line.
    title: String,
    /// The newest verdict behind it, by kind.
    #[schema(value_type = Object)]
    evidence: Value,
    /// Since when.
    opened: Timestamp,
    /// When a new record came behind it last.
    seen: Timestamp,
    /// When it was closed.
    closed: Option<Timestamp>,
    /// What a person did about it; none where it closed by itself.
    resolution: Option<ResolutionView>,
    /// How many records wait behind it.
    records: u64,
}

/// What a person did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResolutionView {
    /// What.
    action: String,
    /// Who.
    by: String,
    /// Why.
    reason: String,
}

impl ItemView {
    fn of(item: &AttentionItem) -> Self {
        let resolution = item.resolution.clone();
        Self {
            id: item.id,
            link: item.link.to_string(),
            kind: item.kind.clone(),
            subject: item.subject.clone(),
            title: item.title.clone(),
            evidence: match &item.evidence {
                Value::Object(_) => item.evidence.clone(),
                other => json!({ "text": other }),
            },
            opened: item.opened,
            seen: item.seen,
            closed: item.closed,
            resolution: resolution.map(|(action, by, reason)| ResolutionView { action, by, reason }),
            records: item.records,
        }
    }
}

/// Items, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Items {
    /// The items of this page.
    items: Vec<ItemView>,
    /// The next page's `before`; none on the last page.
    next: Option<i64>,
}

/// Which items.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionQuery {
    /// Of this link only.
    link: Option<String>,
    /// Of this kind only.
    kind: Option<String>,
    /// Those that are closed, too.
    closed: bool,
    /// Older than this number: the `next` of the previous page.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    before: Option<PageCursor>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What needs a person, the newest first
#[utoipa::path(get, path = "/attention", tag = "attention", params(AttentionQuery),
    responses((status = 200, body = Items), ReadErrors))]
pub async fn list_attention(
    context: ApiContext,
    QueryParams(query): QueryParams<AttentionQuery>,
) -> Result<Json<Items>, Problem> {
    let AttentionQuery { link, kind, closed, before, limit } = query;
    let limit = page_size(limit)?;
    let filter =
        AttentionFilter { link: link.map(LinkName::new), kind, with_closed: closed, before: before.map(|key| key.0) };
    let (items, next) =
        page_of(context.state.journal.attention().list(&filter, limit + 1).await?, limit, |item| item.id);
    Ok(Json(Items { items: items.iter().map(ItemView::of).collect(), next }))
}

/// An item, and the records behind it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ItemDetail {
    /// The item.
    item: ItemView,
    /// The first records that wait behind it.
    records: Vec<RecordView>,
}

/// One item, with its evidence and the first records behind it
#[utoipa::path(get, path = "/attention/{item}", tag = "attention", params(("item" = i64, Path)),
    responses((status = 200, body = ItemDetail), ReadErrors))]
pub async fn show_item(context: ApiContext, PathParam(id): PathParam<i64>) -> Result<Json<ItemDetail>, Problem> {
    let journal = &context.state.journal;
    let item = journal.attention().find(id).await?;
    let records = journal.attention().records_behind(id, 0, RECORDS).await?;
    Ok(Json(ItemDetail { item: ItemView::of(&item), records: records.iter().map(RecordView::of).collect() }))
}

/// What is decided. Each decision releases every record that waits behind the item.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Decision {
    /// The cause is fixed: try again.
    TryAgain {
        /// Why.
        #[serde(default)]
        #[schema(max_length = 2000)]
        reason: String,
    },
    /// This account is the person: the feed's GUID becomes its ID number.
    UseAccount {
        /// The Moodle account's number.
        #[schema(value_type = i64, minimum = 1, maximum = 9007199254740991i64)]
        account: Integer,
    },
    /// The feed's mail address becomes the account's.
    UpdateMail,
    /// Nothing is to be done for these records, now or later.
    Ignore {
        /// The reason; required.
        #[schema(pattern = r"\S", max_length = 2000)]
        reason: String,
    },
}

/// Decide about an item: try again, use an account, update the mail in Moodle, or ignore
#[utoipa::path(post, path = "/attention/{item}/resolve", tag = "attention", params(("item" = i64, Path)),
    request_body = Decision,
    responses((status = 202, description = "Accepted; poll the request", body = Accepted), WriteErrors))]
pub async fn resolve_item(
    context: ApiContext,
    PathParam(id): PathParam<i64>,
    JsonBody(decision): JsonBody<Decision>,
) -> Result<Accepted, Problem> {
    let act = match decision {
        Decision::TryAgain { reason } if reason.trim().is_empty() => AttentionAct::TryAgain { reason: String::new() },
        Decision::TryAgain { reason: why } => AttentionAct::TryAgain { reason: reason(&why)?.to_owned() },
        Decision::UseAccount { account } if (1..1 << 53).contains(&account.0) => {
            AttentionAct::UseAccount { user: MoodleUserId(account.0) }
        }
        Decision::UseAccount { .. } => return Err(Problem::invalid("an account's number is 1 or more")),
        Decision::UpdateMail => AttentionAct::UpdateMail,
        Decision::Ignore { reason: why } => AttentionAct::Ignore { reason: reason(&why)?.to_owned() },
    };
    let item = context.state.journal.attention().find(id).await?;
    if item.closed.is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, format!("attention item {id} has been decided already")));
    }
    context.submit(&Job::Attend { link: item.link, item: id, act }).await
}
