//! What the program takes, as clap knows it.

use super::spans::Kind;
use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory};
use rollbook::cli::Cli;
use std::collections::BTreeSet;

fn root() -> Command {
    let mut root = Cli::command();
    root.build();
    root
}

/// The long flags of every command.
pub fn every_flag() -> BTreeSet<String> {
    fn gather(command: &Command, flags: &mut BTreeSet<String>) {
        flags.extend(command.get_arguments().filter_map(Arg::get_long).map(str::to_owned));
        command.get_subcommands().for_each(|below| gather(below, flags));
    }
    let mut flags = BTreeSet::new();
    gather(&root(), &mut flags);
    flags
}

/// Whether the words after `rollbook` can be such. A whole line of a block must be taken as it stands.
pub fn check(words: &[String], kind: Kind) -> Result<(), String> {
    let root = root();
    walk(&root, words)?;
    let to_fill_in = |word: &String| word.contains(['…', '{', '[', '|', '$']) || is_placeholder(word);
    if kind == Kind::Inline || words.is_empty() || words.iter().any(to_fill_in) {
        return Ok(());
    }
    match Cli::command().try_get_matches_from([String::from("rollbook")].iter().chain(words)) {
        Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let why = error.to_string();
            Err(why.lines().next().unwrap_or_default().to_owned())
        }
        _ => Ok(()),
    }
}

fn walk(root: &Command, words: &[String]) -> Result<(), String> {
    let (mut here, mut given) = (root, 0);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word.contains('…') || word.starts_with(['[', '{']) {
            given += 1;
        } else if let Some(flag) = word.strip_prefix("--") {
            let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            let known = here.get_arguments().find(|arg| arg.get_long() == Some(name));
            let arg = known.ok_or_else(|| format!("`{}` has no --{name}", here.get_name()))?;
            if value.is_none() && takes_value(arg) {
                rest.next();
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for letter in letters.chars() {
                let known = here.get_arguments().find(|arg| arg.get_short() == Some(letter));
                let arg = known.ok_or_else(|| format!("`{}` has no -{letter}", here.get_name()))?;
                if takes_value(arg) {
                    rest.next();
                }
            }
        } else {
            let below: Vec<_> = word.split('|').map(|name| here.find_subcommand(name)).collect();
            match below.iter().copied().collect::<Option<Vec<&Command>>>() {
                Some(all) if given == 0 => here = all[0],
                _ => {
                    take(here, word, given)?;
                    given += 1;
                }
            }
        }
    }
    Ok(())
}

/// Whether a command takes this word as its argument of that number.
fn take(command: &Command, word: &str, given: usize) -> Result<(), String> {
    let positionals: Vec<&Arg> = command.get_positionals().collect();
    let many = |arg: &&Arg| arg.get_num_args().is_some_and(|range| range.max_values() > 1);
    let arg = positionals.get(given).or_else(|| positionals.last().filter(|arg| many(arg)));
    let Some(arg) = arg else {
        return Err(format!("`{}` knows no `{word}`", command.get_name()));
    };
    let values = arg.get_possible_values();
    let known = |name: &str| values.iter().any(|value| value.matches(name, false));
    match word.split('|').find(|name| !values.is_empty() && !is_placeholder(name) && !known(name)) {
        Some(name) => Err(format!("`{}` takes no `{name}`", command.get_name())),
        None => Ok(()),
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Whether a word stands for another: `LINK`, `FILE`.
fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
