//! The pages and their actions. Each is listed here once, with the permission that it requires.
//!
//! A page's module reads the journal, fills one view struct and gives it to the template of its name. Next: `overview`, then
//! whichever page is of interest.

mod accounts;
mod attention;
mod codes;
mod completions;
mod courses;
mod doctor;
mod extract;
mod guilds;
mod intake;
mod links;
mod log;
mod overview;
mod own_account;
mod plans;
mod requests;
mod runs;
mod settings;
mod story;
mod submit;
mod views;

use super::WebState;
use super::auth::AuthState;
use super::auth::permissions::Permission;
use super::auth::user::{RouteGuard, guard};
use axum::Router;
use axum::extract::FromRef;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

/// A page or an action, and what it requires.
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
    fn page<H, T>(self, path: &'static str, permission: Permission, page: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.add(RouteSpec { method: "GET", path, permission }, get(page))
    }

    fn action<H, T>(self, path: &'static str, permission: Permission, act: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.add(RouteSpec { method: "POST", path, permission }, post(act))
    }

    fn add(mut self, spec: RouteSpec, route: MethodRouter<WebState>) -> Self {
        let required = RouteGuard { state: AuthState::from_ref(&self.state), permission: spec.permission };
        self.router = self.router.route(spec.path, route.route_layer(from_fn_with_state(required, guard)));
        self.specs.push(spec);
        self
    }
}

fn route_table(state: &WebState) -> RouteTable {
    use Permission::{Approve, Manage, Pause, Query, Report, Resolve, Run, View, ViewAccounts, ViewSettings};
    RouteTable { state: state.clone(), router: Router::new(), specs: Vec::new() }
        .page("/", View, overview::show_overview)
        .action("/theme", View, links::choose_theme)
        .action("/links/{link}/run", Run, links::run_now)
        .action("/links/{link}/dry-run", Query, links::dry_run)
        .action("/links/{link}/pause", Pause, links::pause)
        .action("/links/{link}/resume", Pause, links::resume)
        .page("/requests/{id}", View, requests::show_request)
        .page("/log", View, log::show_log)
        .page("/log.csv", View, log::export_log)
        .page("/people/{link}/{guid}", View, story::show_story)
        .page("/codes", View, codes::show_codes)
        .page("/courses", View, courses::show_courses)
        .page("/runs", View, runs::show_runs)
        .page("/runs/{id}", View, runs::show_run)
        .page("/guilds", View, guilds::show_guilds)
        .action("/guilds/{link}/sync", Run, guilds::sync)
        .page("/plans", View, plans::show_plans)
        .page("/plans/{id}", View, plans::show_plan)
        .action("/plans/{id}", Approve, plans::decide_plan)
        .page("/attention", View, attention::show_attention)
        .action("/attention", Resolve, attention::decide_items)
        .page("/attention/{id}", View, attention::show_item)
        .action("/attention/{id}", Resolve, attention::decide_item)
        .page("/intake", Query, intake::show_intake)
        .action("/intake", Query, intake::query_feed)
        .action("/intake/process", Run, intake::process)
        .page("/completions", View, completions::show_completions)
        .action("/completions/preview", Query, completions::preview)
        .action("/completions/send", Report, completions::send)
        .action("/completions/retry", Report, completions::retry)
        .action("/completions/cancel", Report, completions::cancel)
        .action("/completions/supply", Report, completions::supply)
        .page("/doctor", View, doctor::show_doctor)
        .action("/doctor", Query, doctor::run_checks)
        .page("/account", View, own_account::show_own_account)
        .action("/account/password", View, own_account::change_password)
        .page("/settings", ViewSettings, settings::show_settings)
        .page("/accounts", ViewAccounts, accounts::show_accounts)
        .action("/accounts", Manage, accounts::add_account)
        .action("/accounts/{name}", Manage, accounts::change_account)
        .action("/tokens", Manage, accounts::add_token)
        .action("/tokens/{id}/revoke", Manage, accounts::revoke_token)
}
