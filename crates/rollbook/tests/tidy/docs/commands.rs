//! Commands and flags that a page names, against those that there are.
//!
//! Next: [`super::shell`], how a line becomes words, and [`super::tree`], what the program takes.

use super::layout::{Called, called};
use super::spans::{Kind, spans};
use super::tree;
use crate::files::Project;
use crate::{Complaint, complain};
use std::collections::BTreeSet;

/// Files whose code is looked at: pages, examples, scripts, packaging, and what the program itself says.
fn speaks(path: &str, product: bool) -> bool {
    let ending = [".md", ".toml", ".php", ".service", "Dockerfile"].iter().any(|ending| path.ends_with(ending));
    ending || product
}

pub fn name_only_what_can_be_called(project: &Project) -> Vec<Complaint> {
    let dev = dev_commands(project);
    let flags = flags(project);
    let mut complaints = Vec::new();
    for file in project.files.iter().filter(|file| speaks(&file.path, file.is_product())) {
        for span in spans(file) {
            let mut say = |why: String| complaints.push(complain(&file.path, span.line, why));
            for call in called(&span.text, span.kind) {
                match call {
                    Called::Rollbook(words) => tree::check(&words, span.kind).err().into_iter().for_each(&mut say),
                    Called::Dev(command) if !dev.contains(&command) => say(format!("there is no ./dev {command}")),
                    Called::Dev(_) => {}
                }
            }
            let flag = span.text.strip_prefix("--").filter(|_| span.kind == Kind::Inline && file.path.ends_with(".md"));
            let name = flag.and_then(|flag| flag.split(['=', ' ']).next()).filter(|name| !flags.contains(*name));
            name.into_iter().for_each(|name| say(format!("there is no --{name}")));
        }
    }
    complaints
}

/// What `./dev` can do: its functions that begin with `run_`.
fn dev_commands(project: &Project) -> BTreeSet<String> {
    let scripts = project.files.iter().filter(|file| file.path == "dev" || file.path == "packaging/steps.sh");
    let names =
        scripts.flat_map(|file| file.text.lines().filter_map(|line| line.strip_prefix("run_")?.split_once("()")));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Every flag of the program, and of the script for Moodle, which says its own in its first comment.
fn flags(project: &Project) -> BTreeSet<String> {
    let scripts = project.files.iter().filter(|file| file.path.ends_with(".php"));
    let words =
        scripts.flat_map(|file| file.text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-')));
    let of_scripts = words.filter_map(|word| word.strip_prefix("--")).map(str::to_owned);
    tree::every_flag().into_iter().chain(of_scripts).collect()
}

#[test]
fn what_cannot_be_called_is_found() {
    let bad = [
        ("docs/A.md", "Use `rollbook intake walk psa`."),
        ("docs/A.md", "Use `rollbook intake run|walk psa`."),
        ("docs/A.md", "    rollbook intake run psa --dri-run\n"),
        ("docs/A.md", "    rollbook runs --limit many     # not a number\n"),
        ("docs/A.md", "    sudo -u rollbook rollbook --config x doctr | tee log\n"),
        ("docs/A.md", "    5 6 * * 1-5  rollbook  rollbook --config x intake go psa\n"),
        ("docs/A.md", "    cargo run --release -- dem      # try it\n"),
        ("docs/A.md", "    ./dev tast\n"),
        ("docs/A.md", "with `--sinse` it goes back"),
        ("crates/rollbook/src/cli/a.rs", "let help = \"ask `rollbook docter`\";"),
        ("rollbook.example.toml", "# ask `rollbook init --chek FILE`"),
        ("packaging/x.service", "ExecStart=/usr/bin/rollbook --confg x doctor\n"),
        ("Dockerfile", "CMD [\"dokter\"]\n"),
    ];
    for sample in bad {
        let project = Project::of([("dev", "run_test() {\n"), sample]);
        assert_eq!(name_only_what_can_be_called(&project).len(), 1, "{sample:?}");
    }
}

#[test]
fn what_can_be_called_is_left_alone() {
    let good = "`rollbook`, `rollbook --help`, `rollbook intake run psa --since 2026-11-20T17:00-08:00`, `rollbook guilds …`, \
        `rollbook completions run|send LINK`, `rollbook guilds list {from}`, `./dev test`, `--since`, `--json`\n\n    \
        rollbook init --check /etc/rollbook/rollbook.toml\n    install -o root -g rollbook -m 750 /etc/rollbook\n    \
        cargo run --release -- demo # in a minute\n    sudo -u rollbook rollbook -v intake run psa --dry-run\n";
    let project = Project::of([("dev", "run_test() {\n"), ("docs/A.md", good)]);
    assert_eq!(name_only_what_can_be_called(&project), []);
}
