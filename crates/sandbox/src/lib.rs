//! Stateful, strict stand-ins for the systems that Rollbook talks to, over one [`World`]: Moodle's REST web
//! services, the ELM's OData feed and completion endpoint, the community's JSON:API, and a mail server.
//!
//! They answer as the real ones do, their oddities included, and refuse what the real ones refuse. Every server
//! listens on loopback on a free port. [`Faults`] makes any of them fail on purpose; [`Calls`] says what was asked.
//! The crate knows nothing of Rollbook itself, so it cannot agree with it by accident.
//!
//! # States, and how to put them on
//!
//! Change the world before [`Sandbox::start`], or later through [`Sandbox::world`]. What is not named stays as it was.
//!
//! ```
//! use rollbook_sandbox::moodle::{Release, TEACHER_ROLE, WelcomeFrom};
//! use rollbook_sandbox::sql::Engine;
//! use rollbook_sandbox::{MOODLE_TOKEN, World};
//!
//! let mut world = World::empty();
//! let moodle = &mut world.moodle;
//! let course = moodle.add_course("930001", "Course");
//! let user = moodle.add_user("GUID1", "guid1@example.org", "Jane", "Doe");
//! let now = 1_795_000_000; // Unix time in seconds
//!
//! // The version, and what its administrators set.
//! moodle.site.release = Release::V5_0;
//! moodle.set_enrolperiod(course, 60 * 86_400);
//! let method = moodle.manual_instances(course)[0];
//! moodle.instances.edit(method, |method| {
//!     method.role_id = TEACHER_ROLE; // the default role
//!     method.welcome = WelcomeFrom::NoReply;
//! });
//!
//! // Enrolments by others: in the pages, by self enrolment, by a cohort; dates, status and times by hand.
//! moodle.enrol_in_pages(user, course, now);
//! let by_self = moodle.add_instance(course, "self");
//! let row = moodle.enrol_by(user, by_self, now);
//! moodle.enrolments.edit(row, |row| (row.timestart, row.timeend) = (now + 86_400, now + 2 * 86_400));
//! let cohort = moodle.add_cohort("web", "Web");
//! moodle.add_cohort_instance(course, cohort);
//! moodle.add_member(cohort, user);
//!
//! // What is lost: by hand, by a restored backup.
//! let backup = moodle.back_up_course(course);
//! moodle.unenrol_by_hand(user, course);
//! moodle.restore_course(&backup);
//!
//! // Accounts.
//! moodle.users.edit(user, |user| user.suspended = true); // likewise confirmed, deleted, auth = "nologin"
//! moodle.make_admin(user);
//! let other = moodle.add_user("GUID1", "guid1@example.org", "Jane", "Doe"); // nothing keeps GUIDs unique
//! moodle.merge_accounts(user, other, now);
//! moodle.site.login_sets_idnumber = true; // single sign-on writes its `sub` over the GUID
//! moodle.log_in(other, "AAAA").expect("an account that can log in");
//! moodle.publish_policy(); // `sitepolicynotagreed` for the service account
//!
//! // Welcome mails of Moodle's own, and a server that cannot send them.
//! assert_eq!(moodle.welcome_mails_to(user).count(), 0);
//! moodle.site.welcome_error = Some("cannotsendmail".to_owned());
//!
//! // The same state as SQL, for the path through the database.
//! let statements = moodle.sql(Engine::Sqlite, "mdl_");
//! # assert!(statements.len() > 20);
//! # moodle.revoke(MOODLE_TOKEN, "enrol/manual:enrol");
//! ```
//!
//! The HR system: its protocol, its pages, its bytes, its receipts.
//!
//! ```
//! use rollbook_sandbox::elm::{Auth, ColumnCase, CsvStyle, Damage, Dates, NextLink, Receipt};
//! use rollbook_sandbox::{FeedRow, World};
//!
//! let mut world = World::empty();
//! let elm = &mut world.elm;
//! let at = "2026-11-23T08:00:00Z".parse().expect("a time");
//! let later = "2026-12-23T08:00:00Z".parse().expect("a time");
//!
//! // Records: an enrolment id, a state in other words, a day from which they hold, a column spoilt or missing.
//! elm.push(FeedRow::enrol("G1", "g1@example.org", 930001, at).numbered(910001).state("ENRL").acted(later));
//! elm.push(FeedRow::suspend("G2", "g2@example.org", 930001, at).with("EMAIL", serde_json::Value::Null));
//! elm.push(FeedRow::enrol("G3   ", "g\u{a0}3@example.org", 930001, at).without("LAST_NAME"));
//! elm.spoil(0, "LAST_NAME", "Love", Damage::LoneSurrogate, "lace"); // bytes that are no JSON
//! elm.column_case = ColumnCase::Lower;
//! elm.padding = 20; // CHAR columns
//! elm.ids_as_text = true;
//! elm.latin1 = true; // the body's charset, declared
//!
//! // Pages: how they are linked, what slips between them.
//! elm.page_size = 2;
//! elm.next_link = NextLink::InnerHost; // or Skip, for `$skip` without a link
//! elm.empty_page = Some(1);
//! elm.page_slip = -1; // each page repeats the last row of the one before
//!
//! // Protocol: OData v2, other dates, other logins. `Sandbox::json_file_url` and `csv_file_url` are always there.
//! elm.speak_v2();
//! elm.dates = Dates::EpochMillis;
//! elm.csv = CsvStyle { delimiter: ';', bom: true };
//! elm.auth = Auth::OAuth2; // tokens at `Sandbox::elm_token_url`
//!
//! // Receipts of completions. A lost answer is a fault, `Kind::HttpAfterEffect(500)` at `Target::Completion`.
//! elm.completions_unique = true; // the second report is a 409
//! elm.unregistered.insert(910001);
//! elm.receipt = Receipt::StatusList; // 200 with `FAILED` inside
//! elm.lists_completions = false; // they cannot be asked for
//! ```
//!
//! The community: types of groups, bundles with hashed names, fields, names of people, roles, rights.
//!
//! ```
//! use rollbook_sandbox::World;
//! use rollbook_sandbox::community::GroupVersion;
//! use rollbook_sandbox::moodle::LoginCohorts;
//! use rollbook_sandbox::sql::Engine;
//!
//! let mut world = World::empty();
//! let community = &mut world.community;
//! community.version = GroupVersion::V3;
//! let ann = community.add_account("ann", Some("ann@example.org"));
//! community.name_person(ann, "Ann", "Lee"); // `profile--profile`
//!
//! // `add_group` makes a guild; a type of more than 15 letters has a hashed bundle for its memberships.
//! let group = community.add_group_of("learning_community", "Learners");
//! community.join(group, ann, &["learning_community-lead"]);
//! community.relate(group, ann, "group_membership_request"); // no membership
//! community.rename_role("learning_community-lead", "learning_community-head"); // or `delete_role`
//!
//! // Fields of Open Social, aliases, changes.
//! let term = community.add_term("Guild of practice");
//! community.path_module = true;
//! if let Some(row) = community.groups.get_mut(&group) {
//!     row.term = Some(term);
//!     row.visibility = Some("members".to_owned());
//!     row.description = Some("We learn.".to_owned());
//!     row.alias = Some("/guilds/learners".to_owned());
//! }
//! community.rename_group(group, "Learners' guild", "2026-11-23T08:00:00Z".parse().expect("a time"));
//!
//! // What the service account may see. A type without a role for it is empty, without a word.
//! community.closed_types.insert("guild".to_owned());
//! if let Some(account) = community.service_account() {
//!     account.rights.view_profiles = true;
//!     account.rights.view_config = true; // what each bundle is for, and all roles
//! }
//! let statements = community.sql(Engine::Sqlite, "");
//! # assert!(statements.len() > 20);
//!
//! // In Moodle, a plugin with cohorts of its own, which sets them at each login.
//! let prefix = "nwcguild:".to_owned();
//! world.moodle.login_cohorts = Some(LoginCohorts { prefix, ..LoginCohorts::default() });
//! ```
//!
//! Next: `world.rs` for the state, `moodle/` for the largest of them, `faults/` for the ways to fail.

pub mod calls;
pub mod community;
pub mod demo;
pub mod elm;
pub mod faults;
pub mod mail;
pub mod moodle;
pub mod random;
mod server;
pub mod sql;
mod start;
pub mod world;

pub use calls::Calls;
pub use community::Community;
pub use elm::{Elm, FeedRow};
pub use faults::{At, Fault, Faults, Kind, Target, cut};
pub use mail::{Mail, Mailbox};
pub use moodle::Moodle;
pub use start::{Sandbox, Server};
pub use world::{Clock, World, WorldGuard};

/// Token of the Moodle service account with least rights (see [`moodle::Token`]).
pub const MOODLE_TOKEN: &str = "0f4c1d2e3b5a69788796a5b4c3d2e1f0";

/// Token of the Moodle site administrator: every function and every capability.
pub const MOODLE_ADMIN_TOKEN: &str = "a0b1c2d3e4f5061728394a5b6c7d8e9f";

/// Token that the feed and the completion endpoint want in `x-cdata-authtoken`.
pub const ELM_TOKEN: &str = "sandbox/elm+token==";

/// Name for the HR system's Basic authentication.
pub const ELM_USER: &str = "rollbook-hr";

/// Its password.
pub const ELM_PASSWORD: &str = "sandbox: only";

/// Client id for the HR system's token endpoint.
pub const ELM_CLIENT_ID: &str = "rollbook-hr-client";

/// Its secret.
pub const ELM_CLIENT_SECRET: &str = "sandbox-only+/secret";

/// The community's service account, for Basic authentication.
pub const COMMUNITY_USER: &str = "rollbook";

/// Its password.
pub const COMMUNITY_PASSWORD: &str = "sandbox-only";

/// Its UUID, which `meta.links.me` shows.
pub const COMMUNITY_ACCOUNT_UUID: &str = "5e4b1ce0-0000-4000-8000-000000000002";

/// The OAuth consumer that acts as the service account.
pub const COMMUNITY_CLIENT_ID: &str = "rollbook-sandbox";

/// The consumer's secret.
pub const COMMUNITY_CLIENT_SECRET: &str = "sandbox-only-secret";
