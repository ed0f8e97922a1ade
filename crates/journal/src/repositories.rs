//! The repositories of the journal: each is a view on its connections that speaks about one thing.
//!
//! They borrow, cost nothing, and are made where they are used: `journal.runs().start(…)`. Each one's methods are in the module
//! that its line names.

use crate::Journal;
use crate::store::Store;

macro_rules! repositories {
    ($($(#[$doc:meta])* $accessor:ident -> $repository:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $repository<'j> {
                pub(crate) store: &'j Store,
            }
        )*

        impl Journal {
            $(
                $(#[$doc])*
                pub fn $accessor(&self) -> $repository<'_> {
                    $repository { store: &self.store }
                }
            )*
        }
    };
}

repositories! {
    /// Accounts of people, their failed logins and login links: `accounts`.
    accounts -> Accounts;
    /// What waits for a human: `attention`.
    attention -> Attention;
    /// Completions and the reports of them: `completions`.
    completions -> Completions;
    /// Which guild is which cohort, and what Rollbook owns in Moodle because of it: `guilds`.
    guilds -> Guilds;
    /// The right to run a link: `lease`.
    leases -> Leases;
    /// Watermarks, pauses and the state of links: `links`, `feed`.
    links -> Links;
    /// Checks of the journal and the removal of old personal data: `maintenance`.
    maintenance -> Maintenance;
    /// The processes that serve: `schedule`.
    nodes -> Nodes;
    /// Episodes of alerts, and the notices about them: `notices`.
    notices -> Notices;
    /// Mails, completions and notices that are to be sent once: `outbox`.
    outbox -> Outbox;
    /// All that is known about one person: `story`.
    people -> People;
    /// Plans, intents and approvals: `plans`.
    plans -> Plans;
    /// Records of the feed, and what became of them: `feed`, `decide`, `applied`, `log`, `history`.
    records -> Records;
    /// What people and other systems ask the process to do: `requests`.
    requests -> Requests;
    /// Runs and their events: `runs`.
    runs -> Runs;
    /// Which due times are covered, and which links are switched off: `schedule`.
    schedule -> Schedule;
    /// Who is logged in: `accounts::session`.
    sessions -> Sessions;
    /// The tokens of programs: `accounts::token`.
    tokens -> Tokens;
}
