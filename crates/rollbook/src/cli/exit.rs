//! How a command ended, for the shell.
//!
//! Next: [`super::Cli::run`], which turns an error into one.

use std::process::ExitCode;

/// How a command ended. 2, wrong usage, is given by the parser of the command line itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all is well.
    Fine,
    /// 1: it failed; nothing, or not all, was done.
    Failed,
    /// 2: it was asked for in a wrong way.
    Usage,
    /// 4: a guard holds changes back; whatever else was to be done was done.
    Refused,
    /// 5: partly applied; some records wait or failed.
    Partly,
    /// 6: another run of the link was under way; nothing was done.
    Busy,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 4,
            Self::Partly => 5,
            Self::Busy => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
