//! `rollbook init`: writes a commented configuration, or checks one.
//!
//! It never overwrites a configuration unasked, and writes it so that only its owner may read it.
//! Next: [`rollbook_settings`], which does the checking.

use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::counted_as;
use rollbook_settings::{ConfigErrors, Problem, Settings, Warning};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = include_str!("../../../../../rollbook.example.toml");

/// Write a commented rollbook.toml, or check one
#[derive(Debug, Args)]
pub(in crate::cli) struct Init {
    /// Check this file instead of writing one; with -v, show every setting and where it came from
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// Overwrite an existing file
    #[arg(long, conflicts_with = "check")]
    force: bool,
}

impl Init {
    pub(in crate::cli) fn run(self, context: &mut Context) -> miette::Result<Exit> {
        match self.check {
            Some(path) => Ok(check(&path, context)),
            None => write(&context.config_path(), self.force, &mut context.out),
        }
    }
}

fn write(path: &Path, force: bool, out: &mut Output) -> miette::Result<Exit> {
    let place = path.display();
    let doing = || format!("while writing {place}");
    let mut options = OpenOptions::new();
    let options = options.write(true).mode(0o600);
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let mut file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(miette!(
                help = "name another file with --config, or replace it with --force",
                "{place} already exists"
            ));
        }
        opened => opened.into_diagnostic().wrap_err_with(doing)?,
    };
    file.write_all(EXAMPLE.as_bytes()).and_then(|()| file.sync_all()).into_diagnostic().wrap_err_with(doing)?;
    out.sign(Sign::Done, format_args!("wrote {place}"));
    out.sign(Sign::Note, format_args!("edit it, then run `rollbook init --check {place}` and `rollbook doctor`"));
    out.json(&json!({ "written": path }));
    Ok(Exit::Fine)
}

fn check(path: &Path, context: &mut Context) -> Exit {
    let checked = Settings::load(path, &context.env);
    let detailed = context.detailed();
    let out = &mut context.out;
    match checked {
        Ok((settings, warnings)) => {
            for warning in &warnings {
                out.failure(warning);
            }
            print_good(path, &settings, &warnings, out);
            if detailed {
                print_effective(&settings, out);
            }
            Exit::Fine
        }
        Err(errors) => {
            print_bad(path, &errors, out);
            Exit::Failed
        }
    }
}

fn print_good(path: &Path, settings: &Settings, warnings: &[Warning], out: &mut Output) {
    let sites = counted_as(settings.sites.len(), "site", "sites");
    let links = counted_as(settings.links.len(), "link", "links");
    out.sign(Sign::Done, format_args!("{} has no errors: {sites}, {links}", path.display()));
    let effective = settings
        .effective
        .iter()
        .map(|setting| json!({ "key": setting.key, "value": setting.value, "origin": setting.origin.to_string() }));
    out.json(&json!({
        "file": path,
        "problems": [],
        "warnings": warnings.iter().map(told).collect::<Vec<_>>(),
        "settings": effective.collect::<Vec<_>>(),
    }));
}

fn print_effective(settings: &Settings, out: &mut Output) {
    let mut table = Table::new(["key", "value", "from"]);
    for setting in &settings.effective {
        table.row([&setting.key, &setting.value, &setting.origin.to_string()]);
    }
    out.line("");
    out.table(&table);
}

fn print_bad(path: &Path, errors: &ConfigErrors, out: &mut Output) {
    if out.is_human() {
        out.failure(errors);
    }
    out.json(&json!({
        "file": path,
        "problems": errors.problems().iter().map(told).collect::<Vec<_>>(),
        "warnings": [],
    }));
}

fn told(problem: &Problem) -> Value {
    let (line, column) = problem.place().unzip();
    json!({ "message": problem.to_string(), "detail": problem.detail(), "line": line, "column": column, "help": problem.advice() })
}
