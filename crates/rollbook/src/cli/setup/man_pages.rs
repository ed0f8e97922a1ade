//! `rollbook man-pages DIR`: a manual page for each command, for those who pack Rollbook.
//!
//! It must never say what the help does not: all but the common ends comes from the commands themselves. Next:
//! [`crate::cli`], where the commands are listed.

use crate::cli::output::Sign;
use crate::cli::{Cli, Context, Exit};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_settings::{CONFIG, LOG};
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};

/// Write manual pages into a folder
#[derive(Debug, Args)]
pub(in crate::cli) struct ManPages {
    /// The folder; it is made where it is not there
    dir: PathBuf,
}

impl ManPages {
    pub(in crate::cli) fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let written = std::fs::create_dir_all(&self.dir).and_then(|()| write_pages(&command, &self.dir));
        let pages = written.into_diagnostic().wrap_err_with(|| format!("while writing to {}", self.dir.display()))?;
        context.out.sign(Sign::Done, format_args!("{pages} pages written to {}", self.dir.display()));
        context.out.json(&json!({ "folder": self.dir, "pages": pages }));
        Ok(Exit::Fine)
    }
}

/// Writes the page of a command and those of the commands below it; gives how many.
fn write_pages(command: &Command, dir: &Path) -> io::Result<usize> {
    let man = Man::new(command.clone()).manual("Rollbook");
    let mut page = Vec::new();
    man.render(&mut page)?;
    page.extend_from_slice(ends().as_bytes());
    std::fs::write(dir.join(man.get_filename()), page)?;
    let mut pages = 1;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages += write_pages(below, dir)?;
    }
    Ok(pages)
}

/// What holds for every command, in the language of manual pages.
fn ends() -> String {
    format!(
        ".SH \"EXIT STATUS\"\n\
         .TP\n0\nall is well\n.TP\n1\nit failed\n.TP\n2\nwrong usage\n.TP\n4\na guard refused: nothing was changed\n\
         .TP\n5\npartly applied: some records wait or failed\n\
         .SH ENVIRONMENT\n\
         .TP\n{CONFIG}\nthe configuration, where \\fB\\-\\-config\\fR names none\n\
         .TP\n{LOG}\nwhat is logged, such as \\fIrollbook=debug\\fR; else \\fB\\-v\\fR says it\n\
         .SH FILES\n\
         .TP\n/etc/rollbook/rollbook.toml\nthe configuration of the service\n\
         .TP\n/var/lib/rollbook\nthe journal of the service\n"
    )
}
