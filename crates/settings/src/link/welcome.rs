//! `[link.NAME.welcome]`: the mail to a learner who was enrolled.
//!
//! Either Rollbook sends it or Moodle does (4.5 can), never both. Next: [`crate::service`], which has the mail server.

use super::Around;
use crate::kind::{Choice, Mail, Text, Web};
use crate::read::Section;
use lettre::message::Mailbox;
use reqwest::Url;
use std::path::PathBuf;

/// The welcome mail.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// Who sends it.
    pub mode: WelcomeMode,
    /// The folder with the operator's own templates; what is not there is taken from the built-in ones.
    pub templates: Option<PathBuf>,
    /// The sender; that of `[mail]` when `None`.
    pub from: Option<Mailbox>,
    /// Where a learner finds help.
    pub help_url: Option<Url>,
    /// The last line.
    pub signature: String,
}

/// Who sends the welcome mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WelcomeMode {
    /// Rollbook.
    Rollbook,
    /// Moodle, by its own setting.
    Moodle,
    /// Nobody.
    Off,
}

const MODES: Choice<WelcomeMode> =
    Choice(&[("rollbook", WelcomeMode::Rollbook), ("moodle", WelcomeMode::Moodle), ("off", WelcomeMode::Off)]);

pub(super) fn read(section: &mut Section<'_>, around: &Around<'_>) -> Welcome {
    let place = section.place_of("mode");
    let mode = section.or("mode", "off", MODES);
    if mode == WelcomeMode::Rollbook && !around.mail {
        let help = "write [mail] with `smtp` and `from`, or leave the mail to Moodle: `mode = \"moodle\"`";
        section.problem(
            "Rollbook cannot send welcome mail".to_owned(),
            place,
            "no [mail] section",
            Some(help.to_owned()),
        );
    }
    Welcome {
        mode,
        templates: section.optional("templates", Text(1_000)).map(|path| section.reader.folder.join(path)),
        from: section.optional("from", Mail),
        help_url: section.optional("help_url", Web),
        signature: section.or("signature", "Learning Centre", Text(200)),
    }
}
