//! `[journal]`: where Rollbook remembers.
//!
//! Next: the crate `journal`, which writes there.

use crate::kind::{Count, Lasting};
use crate::read::Section;
use crate::secret::SecretUrl;
use std::path::PathBuf;
use std::time::Duration;

/// The journal's settings.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Where it is.
    pub place: Place,
    /// At most so many connections at once.
    pub connections_max: u32,
    /// Names, mail addresses and bodies older than this are removed by `prune`, the counts stay; `None` keeps them.
    pub personal_data_kept: Option<Duration>,
}

/// Where the journal is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file. A relative path counts from the folder of the configuration file.
    File(PathBuf),
    /// A PostgreSQL database.
    Postgres(SecretUrl),
}

impl Place {
    /// The place for people, without a password.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.shown(),
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> Journal {
    let url = if section.has("url") || section.overlaid("url") {
        section.secret_url("url", &["sqlite", "postgres", "postgresql"])
    } else {
        section.or("url", "sqlite:rollbook.sqlite", crate::kind::Text(1_000));
        None
    };
    let place = match url {
        None => Place::File(section.reader.folder.join("rollbook.sqlite")),
        Some(url) if url.scheme() == "sqlite" => {
            let path = url.expose().trim_start_matches("sqlite:").trim_start_matches("//");
            Place::File(section.reader.folder.join(path.split('?').next().unwrap_or_default()))
        }
        Some(url) => Place::Postgres(url),
    };
    Journal {
        place,
        connections_max: section.or("connections_max", 8, Count(2, 100)),
        personal_data_kept: section.optional("personal_data_kept", Lasting("30d", "36500d")),
    }
}
