//! The pages, and what can be done on them. Each stands here once, with the permission that it takes.
//!
//! A page's module reads the journal, fills one view struct and gives it to the template of its name. Next: `overview`, then
//! whichever page is of interest.

mod accounts;
mod courses;
mod doctor;
mod guilds;
mod links;
mod log;
mod manual;
mod overview;
mod runs;
mod settings;
mod story;
mod waiting;

use super::WebState;
use super::auth::{RouteGuard, Permission, guard};
use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

/// A page or an act, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// `GET` for a page, `POST` for an act.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// What one must be allowed to.
    pub permission: Permission,
}

/// Every page and act with what it takes.
pub fn route_specs(state: &WebState) -> Vec<RouteSpec> {
    route_table(state).specs
}

/// Every page and act.
pub(super) fn routes(state: &WebState) -> Router<WebState> {
    route_table(state).router
}

struct RouteTable {
    state: WebState,
    router: Router<WebState>,
    specs: Vec<RouteSpec>,
}

impl RouteTable {
    fn see<H, T>(self, path: &'static str, permission: Permission, page: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.hang(RouteSpec { method: "GET", path, permission }, get(page))
    }

    fn act<H, T>(self, path: &'static str, permission: Permission, act: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.hang(RouteSpec { method: "POST", path, permission }, post(act))
    }

    fn hang(mut self, spec: RouteSpec, route: MethodRouter<WebState>) -> Self {
        let guard_state = RouteGuard { state: self.state.clone(), permission: spec.permission };
        self.router = self.router.route(spec.path, route.route_layer(from_fn_with_state(guard_state, guard)));
        self.specs.push(spec);
        self
    }
}

fn route_table(state: &WebState) -> RouteTable {
    use Permission::{Ask, Judge, Look, ViewAccounts, ViewSettings, Manage, Pause, Report, Resolve, Run};
    RouteTable { state: state.clone(), router: Router::new(), specs: Vec::new() }
        .see("/", Look, overview::show_overview)
        .act("/theme", Look, links::choose_theme)
        .act("/links/{link}/run", Run, links::run_now)
        .act("/links/{link}/look", Ask, links::dry_run)
        .act("/links/{link}/pause", Pause, links::pause)
        .act("/links/{link}/go-on", Pause, links::go_on)
        .see("/requests/{id}", Look, waiting::show_request)
        .see("/log", Look, log::show_log)
        .see("/log.csv", Look, log::export_log)
        .see("/people/{link}/{guid}", Look, story::show_story)
        .see("/courses", Look, courses::show_courses)
        .see("/runs", Look, runs::show_runs)
        .see("/runs/{id}", Look, runs::show_run)
        .see("/guilds", Look, guilds::show_guilds)
        .act("/guilds/{link}/sync", Run, guilds::sync)
        .see("/plans", Look, waiting::show_plans)
        .see("/plans/{id}", Look, waiting::show_plan)
        .act("/plans/{id}", Judge, waiting::judge_plan)
        .see("/attention", Look, waiting::show_attention)
        .see("/attention/{id}", Look, waiting::show_item)
        .act("/attention/{id}", Resolve, waiting::decide_item)
        .see("/intake", Ask, manual::show_intake)
        .act("/intake", Ask, manual::ask_feed)
        .act("/intake/process", Run, manual::process)
        .see("/completions", Look, manual::show_completions)
        .act("/completions/preview", Ask, manual::preview)
        .act("/completions/send", Report, manual::send)
        .act("/completions/retry", Report, manual::retry)
        .act("/completions/cancel", Report, manual::cancel)
        .act("/completions/supply", Report, manual::supply)
        .see("/doctor", Look, doctor::show_doctor)
        .act("/doctor", Ask, doctor::examine)
        .see("/account", Look, accounts::show_own)
        .act("/account/password", Look, accounts::change_password)
        .see("/settings", ViewSettings, settings::show_settings)
        .see("/accounts", ViewAccounts, accounts::show_accounts)
        .act("/accounts", Manage, accounts::add_account)
        .act("/accounts/{name}", Manage, accounts::change_account)
        .act("/tokens", Manage, accounts::add_token)
        .act("/tokens/{id}/revoke", Manage, accounts::revoke_token)
}
