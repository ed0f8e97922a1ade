//! Who may use what: the table of docs/ARCHITECTURE.md, as data.
//!
//! A change of this table is a change of the design, and says why in its commit. Next: [`crate::code`], how it is read.

use crate::code::{Named, paths, product_code};
use crate::files::{File, Project};
use crate::{Complaint, complain};

/// One module of the binary's crate.
struct Module {
    name: &'static str,
    /// Which of its neighbours it may use.
    uses: &'static [&'static str],
    /// Which modules of `rollbook-core`.
    core: &'static [&'static str],
}

const IDS: &[&str] = &["model"];
/// What an effect needs to know: what to do and that it was cleared, not why.
const DONE: &[&str] = &["model", "plan", "guard", "run", "verdict"];
const ALL: &[&str] = CORE;

const MODULES: [Module; 13] = [
    Module { name: "clock", uses: &[], core: &[] },
    Module { name: "config", uses: &["clock"], core: IDS },
    Module { name: "clients", uses: &["config", "clock"], core: IDS },
    Module { name: "sources", uses: &["clients", "config", "clock"], core: ALL },
    Module { name: "journal", uses: &["config", "clock"], core: ALL },
    Module { name: "apply", uses: &["clients", "sources", "journal", "clock"], core: DONE },
    Module { name: "notify", uses: &["clients", "journal", "config", "clock"], core: ALL },
    Module {
        name: "pipeline",
        uses: &["clients", "sources", "apply", "journal", "notify", "config", "clock"],
        core: ALL,
    },
    Module { name: "schedule", uses: &["pipeline", "journal", "notify", "config", "clock"], core: ALL },
    Module {
        name: "web",
        uses: &["journal", "config", "clock"],
        core: &["model", "run", "verdict", "report", "plan", "guard", "notice"],
    },
    // What the product believes of Moodle, asked of a real one: it looks at every layer, and no layer knows it.
    Module {
        name: "live",
        uses: &["notify", "pipeline", "journal", "sources", "clients", "clock"],
        core: &["model", "policy", "window", "plan", "run", "report"],
    },
    Module {
        name: "cli",
        uses: &[
            "live", "web", "schedule", "notify", "pipeline", "apply", "journal", "sources", "clients", "config",
            "clock",
        ],
        core: ALL,
    },
    // The binary gives spans to the collector; where they go is read before any command runs.
    Module { name: "", uses: &["cli", "clients", "config", "clock"], core: &[] },
];

/// The modules of core: each may use those before it.
const CORE: &[&str] = &[
    "model", "snapshot", "policy", "window", "verdict", "matching", "desired", "plan", "guard", "run", "report",
    "notice",
];

/// A crate (or a part of one) from outside, and the modules that may use it.
const PLACES: [(&str, &[&str]); 13] = [
    ("reqwest", &["clients", "config"]),
    ("sqlx", &["journal", "sources"]),
    ("lettre", &["clients", "config", "notify", "pipeline"]),
    ("axum", &["web"]),
    ("askama", &["web", "notify"]),
    ("clap", &["cli", ""]),
    ("utoipa", &["web"]),
    ("metrics_exporter_prometheus", &["web"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
    ("tracing_subscriber", &[""]),
    ("rollbook_sandbox", &["cli", "live"]),
    ("std::env", &["config"]),
];

/// What reaches the world, or gives another answer each time.
const NOT_IN_CORE: [&str; 17] = [
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "sqlx",
    "reqwest",
    "tracing",
    "rollbook",
];

pub fn keep_to_the_table(project: &Project) -> Vec<Complaint> {
    project.product().flat_map(of_one_file).collect()
}

fn of_one_file(file: &File) -> Vec<Complaint> {
    let (crate_name, module) = file.module();
    let own = module.first().copied().unwrap_or_default();
    let named = absolute(file).into_iter();
    match crate_name {
        "core" => named
            .filter_map(|named| core_may_not(own, &named).map(|why| complain(&file.path, named.line, why)))
            .collect(),
        "rollbook" => {
            named.filter_map(|named| may_not(own, &named).map(|why| complain(&file.path, named.line, why))).collect()
        }
        _ => {
            named.filter_map(|named| sandbox_may_not(&named).map(|why| complain(&file.path, named.line, why))).collect()
        }
    }
}

/// The file's paths with `crate`, `self` and `super` resolved: they begin with `crate`.
fn absolute(file: &File) -> Vec<Named> {
    let (_, module) = file.module();
    let resolve = |named: Named| {
        let mut here: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        let mut parts = named.parts.as_slice();
        match parts[0].as_str() {
            "crate" | "rollbook" => (here, parts) = (Vec::new(), &parts[1..]),
            "self" => parts = &parts[1..],
            "super" => {
                while parts.first().is_some_and(|part| part == "super") {
                    here.pop();
                    parts = &parts[1..];
                }
            }
            _ => return named,
        }
        let parts = ["crate".to_owned()].into_iter().chain(here).chain(parts.iter().cloned()).collect();
        Named { line: named.line, parts }
    };
    paths(&product_code(&file.text)).into_iter().map(resolve).collect()
}

fn may_not(own: &str, named: &Named) -> Option<String> {
    let module = MODULES.iter().find(|module| module.name == own)?;
    let other = named.parts[1].as_str();
    match named.parts[0].as_str() {
        "crate" if other == own || !MODULES.iter().any(|module| module.name == other) => None,
        "crate" if !module.uses.contains(&other) => Some(format!("`{own}` may not use `{other}`")),
        "crate" if own == "sources" && named.parts.iter().any(|part| part == "write") => {
            Some("`sources` may not use what writes".to_owned())
        }
        "rollbook_core" if !module.core.contains(&other) => Some(format!("`{own}` may not use `{other}` of core")),
        _ => None,
    }
}

fn core_may_not(own: &str, named: &Named) -> Option<String> {
    let rank = |name: &str| CORE.iter().position(|module| *module == name);
    let (own_rank, other_rank) = (rank(own)?, rank(&named.parts[1])?);
    let forward = named.parts[0] == "crate" && other_rank > own_rank;
    forward.then(|| format!("`{own}` may only use what stands before it, not `{}`", named.parts[1]))
}

fn sandbox_may_not(named: &Named) -> Option<String> {
    let ours = matches!(named.parts[0].as_str(), "rollbook" | "rollbook_core");
    ours.then(|| "the sandbox knows nothing of the product: it would agree with its mistakes".to_owned())
}

pub fn know_every_module(project: &Project) -> Vec<Complaint> {
    let unknown = |file: &&File| {
        let (crate_name, module) = file.module();
        let own = module.first().copied().unwrap_or_default();
        match crate_name {
            "rollbook" => !MODULES.iter().any(|module| module.name == own),
            "core" => !own.is_empty() && !CORE.contains(&own),
            "sandbox" => false,
            _ => true,
        }
    };
    project.product().filter(unknown).map(|file| complain(&file.path, 1, "no place in the table of modules")).collect()
}

pub fn keep_crates_in_their_places(project: &Project) -> Vec<Complaint> {
    let ours = project.product().filter(|file| file.module().0 == "rollbook");
    let complaints = ours.flat_map(|file| {
        let own = file.module().1.first().copied().unwrap_or_default();
        let named = paths(&product_code(&file.text)).into_iter();
        named.filter_map(move |named| {
            let (name, places) = PLACES.iter().find(|(name, _)| begins(&named, name))?;
            (!places.contains(&own)).then(|| complain(&file.path, named.line, format!("`{own}` may not use {name}")))
        })
    });
    complaints.collect()
}

pub fn keep_core_pure(project: &Project) -> Vec<Complaint> {
    let core = project.product().filter(|file| file.module().0 == "core");
    let complaints = core.flat_map(|file| {
        paths(&product_code(&file.text)).into_iter().filter_map(|named| {
            let name = NOT_IN_CORE.iter().find(|name| begins(&named, name))?;
            Some(complain(&file.path, named.line, format!("core may not use {name}")))
        })
    });
    complaints.collect()
}

fn begins(named: &Named, prefix: &str) -> bool {
    let prefix: Vec<_> = prefix.split("::").collect();
    named.parts.len() >= prefix.len() && named.parts.iter().zip(prefix).all(|(part, wanted)| part == wanted)
}

#[test]
fn a_wrong_use_is_found_however_it_is_written() {
    let bad = [
        ("crates/rollbook/src/clients/moodle/mod.rs", "use crate::{clock, journal::Journal};"),
        ("crates/rollbook/src/clients/odata.rs", "fn f() { super::super::pipeline::run() }"),
        ("crates/rollbook/src/sources/elm.rs", "use crate::clients::moodle::write::users;"),
        ("crates/rollbook/src/apply/moodle.rs", "use rollbook_core::policy::Policy;"),
        ("crates/rollbook/src/web/pages.rs", "use crate::pipeline;"),
        ("crates/core/src/policy.rs", "use crate::plan::Plan;"),
        ("crates/sandbox/src/lib.rs", "use rollbook_core::model::Guid;"),
    ];
    for sample in bad {
        assert_eq!(keep_to_the_table(&Project::of([sample])).len(), 1, "{sample:?}");
    }
    let good = [
        (
            "crates/rollbook/src/clients/moodle/mod.rs",
            "use crate::{clock, config};\nuse super::http;\n// crate::journal::x",
        ),
        ("crates/rollbook/src/main.rs", "use rollbook::cli::Cli;"),
        (
            "crates/core/src/plan/diff.rs",
            "use super::change;\nuse crate::model::Guid;\n#[cfg(test)]\nmod tests { use crate::run::Run; }",
        ),
    ];
    assert_eq!(keep_to_the_table(&Project::of(good)), []);
}

#[test]
fn a_new_module_must_be_placed() {
    let project = Project::of([
        ("crates/rollbook/src/utils.rs", ""),
        ("crates/core/src/helpers/mod.rs", ""),
        ("crates/extra/src/lib.rs", ""),
    ]);
    assert_eq!(know_every_module(&project).len(), 3);
}

#[test]
fn a_crate_out_of_its_place_is_found() {
    let project = Project::of([
        ("crates/rollbook/src/pipeline/intake.rs", "use reqwest::Client;"),
        ("crates/rollbook/src/web/mod.rs", "fn f() { std::env::var(\"X\") }"),
        ("crates/rollbook/src/config/env.rs", "use std::env;"),
    ]);
    assert_eq!(keep_crates_in_their_places(&project).len(), 2);
}

#[test]
fn a_world_in_core_is_found() {
    let project = Project::of([(
        "crates/core/src/plan/mod.rs",
        "use std::collections::{BTreeMap, HashMap};\nuse std::time::Duration;\nuse tokio::time;",
    )]);
    assert_eq!(keep_core_pure(&project).len(), 2);
}
