//! The routes, one file a noun. Each is listed once in [`all`], with what a token must allow, and describes itself for the
//! document beside its function.

mod attention;
mod completions;
mod explain;
mod links;
mod plans;
mod records;
mod requests;
mod runs;

use super::auth::{RouteGuard, guard};
use super::context::ApiState;
use super::problem::Problem;
use crate::auth::permissions::Permission;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// The default size of a page, and the largest.
const PAGE_SIZE: u32 = 50;
const PAGE_SIZE_MAX: u32 = 500;

/// Every route behind a token.
pub fn all(state: &ApiState) -> OpenApiRouter<ApiState> {
    use Permission::{Approve, Report, Resolve, Run, View, ViewOwnRequests, ViewStatus};
    let behind = |permission: Permission, routes: UtoipaMethodRouter<ApiState>| {
        let required = RouteGuard { state: state.clone(), permission };
        routes.map(|router| router.route_layer(from_fn_with_state(required, guard)))
    };
    OpenApiRouter::default()
        .routes(behind(ViewStatus, routes!(links::list_links)))
        .routes(behind(ViewStatus, routes!(links::show_link)))
        .routes(behind(Run, routes!(links::run_link)))
        .routes(behind(ViewStatus, routes!(runs::list_runs)))
        .routes(behind(View, routes!(runs::show_run)))
        .routes(behind(View, routes!(runs::list_events)))
        .routes(behind(View, routes!(records::search_records)))
        .routes(behind(View, routes!(explain::explain_person)))
        .routes(behind(View, routes!(plans::list_plans)))
        .routes(behind(View, routes!(plans::show_plan)))
        .routes(behind(Approve, routes!(plans::approve_plan)))
        .routes(behind(Approve, routes!(plans::reject_plan)))
        .routes(behind(View, routes!(attention::list_attention)))
        .routes(behind(View, routes!(attention::show_item)))
        .routes(behind(Resolve, routes!(attention::resolve_item)))
        .routes(behind(View, routes!(requests::list_requests)))
        .routes(behind(ViewOwnRequests, routes!(requests::show_request)))
        .routes(behind(View, routes!(completions::list_completions)))
        .routes(behind(Report, routes!(completions::retry_completions)))
        .routes(behind(Report, routes!(completions::supply_enrolment)))
}

/// The size of the page that is asked for.
fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE_SIZE);
    if (1..=PAGE_SIZE_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid(format!("limit is 1 to {PAGE_SIZE_MAX}")))
    }
}

/// Of rows that were read with one more than the page's size: the page, and the cursor of the next one.
fn page_of<T>(mut rows: Vec<T>, limit: u32, key: impl Fn(&T) -> i64) -> (Vec<T>, Option<i64>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(key);
    (rows, next)
}

/// A reason that is not blank.
fn reason(text: &str) -> Result<&str, Problem> {
    let reason = text.trim();
    if reason.is_empty() || text.chars().count() > 2_000 {
        return Err(Problem::invalid("a reason has 1 to 2000 characters, and not only blanks"));
    }
    Ok(reason)
}
