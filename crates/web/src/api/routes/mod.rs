//! The routes, one file a noun. Each stands once in [`all`], with what a token must allow, and describes itself for the
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
use crate::WebState;
use crate::auth::Permission;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// Lines of a page where none are asked for.
const LINES: u32 = 50;

/// Every route behind a token.
pub fn all(state: &WebState) -> OpenApiRouter<WebState> {
    use Permission::{Judge, Look, Report, Resolve, Run};
    let behind = |permission: Permission, routes: UtoipaMethodRouter<WebState>| {
        let guard_state = RouteGuard { state: state.clone(), permission };
        routes.map(|router| router.route_layer(from_fn_with_state(guard_state, guard)))
    };
    OpenApiRouter::default()
        .routes(behind(Look, routes!(links::list_links)))
        .routes(behind(Look, routes!(links::show_link)))
        .routes(behind(Run, routes!(links::run_link)))
        .routes(behind(Look, routes!(runs::list_runs)))
        .routes(behind(Look, routes!(runs::show_run)))
        .routes(behind(Look, routes!(runs::list_events)))
        .routes(behind(Look, routes!(records::search_records)))
        .routes(behind(Look, routes!(explain::explain_person)))
        .routes(behind(Look, routes!(plans::list_plans)))
        .routes(behind(Look, routes!(plans::show_plan)))
        .routes(behind(Judge, routes!(plans::approve_plan)))
        .routes(behind(Judge, routes!(plans::reject_plan)))
        .routes(behind(Look, routes!(attention::list_attention)))
        .routes(behind(Look, routes!(attention::show_item)))
        .routes(behind(Resolve, routes!(attention::resolve_item)))
        .routes(behind(Look, routes!(requests::list_requests)))
        .routes(behind(Look, routes!(requests::show_request)))
        .routes(behind(Look, routes!(completions::list_completions)))
        .routes(behind(Report, routes!(completions::retry_completions)))
        .routes(behind(Report, routes!(completions::supply_enrolment)))
}
