//! The journal's rules, each held on SQLite and on PostgreSQL.
//!
//! PostgreSQL is the one that `ROLLBOOK_TEST_PG` names; `./dev test` starts one and sets it. Each test has a schema or a
//! file of its own.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod accounts;
mod completions;
mod guilds;
mod maintenance;
mod outbox;
mod record;
mod requests;
mod run;
mod run_stats;
mod store;
mod world;

/// Holds each rule on both engines.
#[macro_export]
macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $rule() { $crate::world::run($crate::world::Engine::Sqlite, super::$rule); })*
        }
        mod pg {
            $(#[test] fn $rule() { $crate::world::run($crate::world::Engine::Pg, super::$rule); })*
        }
    };
}
