//! What can go wrong in the journal, named by what the caller can do about it.

use jiff::Timestamp;
use rollbook_core::model::LinkName;

/// Why the journal did not do what was asked. Where nothing else is said, nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process runs this link: wait, or stop that one.
    #[error("link {link} is being run by {by} since {since:.0}; its lease ends at {until:.0} unless it is renewed")]
    LeaseHeld {
        link: LinkName,
        by: String,
        since: Timestamp,
        /// Until when, unless renewed.
        until: Timestamp,
    },
    /// The lease was taken over or given back: stop the run at once. The write did not happen.
    #[error("the lease of link {link} was lost: nothing was written")]
    LeaseLost { link: LinkName },
    /// The claim on an outbox row was taken away, because it lasted too long: do not count on the delivery.
    #[error("the claim on outbox row {id} was lost")]
    ClaimLost { id: i64 },
    /// A newer Rollbook wrote this journal: use that one, or restore the backup that it made.
    #[error("the journal has schema version {found}, this Rollbook knows up to {known}: run the newer Rollbook")]
    TooNew {
        found: i64,
        /// The newest that this binary knows.
        known: i64,
    },
    /// There is no such row: check the id.
    #[error("there is no {what}")]
    NotFound { what: String },
    /// It is no longer as the caller thinks (closed, used, rejected): look again.
    #[error("{what}")]
    Conflict { what: String },
    /// No space is left for the journal: make room and run again; what was recorded before stays true.
    #[error("no space is left for the journal: make room, then run again")]
    Full(#[source] sqlx::Error),
    /// The database is busy or cannot be reached: try again.
    #[error("the journal is busy or cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// The journal's file or address cannot be used: correct it.
    #[error("the journal cannot be opened: {what}")]
    CannotOpen {
        /// What is wrong, without any secret.
        what: String,
    },
    /// The file is damaged, or no journal: restore a backup.
    #[error("the journal is damaged or is no journal: restore a backup")]
    Damaged(#[source] sqlx::Error),
    /// A stored row cannot be read by this binary.
    #[error("the journal holds a row that cannot be read: {what}")]
    Unreadable { what: String },
    /// The database refused a statement: a defect, to be reported.
    #[error("the journal's database refused a statement")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for JournalError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(refusal) => match refusal.code().as_deref().map(Trouble::of) {
                Some(Trouble::Full) => Self::Full(error),
                Some(Trouble::Passing) => Self::Unavailable(error),
                Some(Trouble::Damage) => Self::Damaged(error),
                Some(Trouble::Access) => Self::CannotOpen { what: refusal.message().to_owned() },
                Some(Trouble::Defect) | None => Self::Failed(error),
            },
            E::Io(cause) if cause.kind() == std::io::ErrorKind::StorageFull => Self::Full(error),
            E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Tls(_) => Self::Unavailable(error),
            _ => Self::Failed(error),
        }
    }
}

/// What an engine's error code means for the caller.
enum Trouble {
    Full,
    Passing,
    Damage,
    Access,
    Defect,
}

impl Trouble {
    /// PostgreSQL's codes have five characters. SQLite's are numbers with fewer, whose lowest byte tells the kind.
    fn of(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            // Locks, shutdown, cancellation, connections, serialisation, deadlock.
            "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "53300" | "40001" | "40P01" => Self::Passing,
            // Password, role, database, rights.
            "28P01" | "28000" | "3D000" | "42501" => Self::Access,
            _ if code.len() == 5 => Self::Defect,
            // FULL; BUSY, LOCKED, IOERR; CORRUPT, NOTADB; PERM, READONLY, CANTOPEN, AUTH.
            _ => match code.parse::<i32>().map_or(0, |number| number & 0xff) {
                13 => Self::Full,
                5 | 6 | 10 => Self::Passing,
                11 | 26 => Self::Damage,
                3 | 8 | 14 | 23 => Self::Access,
                _ => Self::Defect,
            },
        }
    }
}
