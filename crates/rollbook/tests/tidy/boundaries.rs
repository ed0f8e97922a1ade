//! What Cargo cannot say of a crate: which modules of core may use which, and that core reaches no world.
//!
//! Which crate may use which is said by their manifests; who may read the time and the environment, by `clippy.toml`.
//! Next: [`crate::code`], how it is read.

use crate::code::{Named, paths, product_code};
use crate::files::{File, Project};
use crate::{Complaint, complain};

/// The modules of core: each may use those before it. A change of this list is a change of the design.
const CORE: [&str; 12] = [
    "model", "snapshot", "policy", "window", "verdict", "matching", "desired", "plan", "guard", "run", "report",
    "notice",
];

/// What reaches the world, or gives another answer each time.
const NOT_IN_CORE: [&str; 12] = [
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
];

pub fn keep_core_pure(project: &Project) -> Vec<Complaint> {
    let of_one_file = |file: &File| {
        let named = paths(&product_code(&file.text)).into_iter();
        let wrong = named.filter_map(|named| Some((named.line, worldly(&named).or_else(|| forward(file, &named))?)));
        wrong.map(|(line, why)| complain(&file.path, line, why)).collect::<Vec<_>>()
    };
    let core = project.product().filter(|file| file.module().0 == "core");
    core.flat_map(|file| unplaced(file).into_iter().chain(of_one_file(file))).collect()
}

fn unplaced(file: &File) -> Option<Complaint> {
    let own = file.module().1.first().copied().unwrap_or_default();
    let is_known = own.is_empty() || CORE.contains(&own);
    (!is_known).then(|| complain(&file.path, 1, "no place in the list of core's modules"))
}

fn worldly(named: &Named) -> Option<String> {
    let begins = |prefix: &str| {
        let prefix: Vec<_> = prefix.split("::").collect();
        named.parts.len() >= prefix.len() && named.parts.iter().zip(prefix).all(|(part, wanted)| part == wanted)
    };
    let name = NOT_IN_CORE.iter().find(|name| begins(name))?;
    Some(format!("core may not use {name}"))
}

fn forward(file: &File, named: &Named) -> Option<String> {
    let rank = |name: &str| CORE.iter().position(|module| *module == name);
    let (own_rank, other_rank) = (rank(file.module().1.first()?)?, rank(&absolute(file, named)?)?);
    (other_rank > own_rank).then(|| format!("`{}` may only use what stands before it", CORE[own_rank]))
}

/// The module of core that a path leads to.
fn absolute(file: &File, named: &Named) -> Option<String> {
    match named.parts[0].as_str() {
        "crate" => named.parts.get(1).cloned(),
        "super" => {
            let up = named.parts.iter().take_while(|part| *part == "super").count();
            (up == file.module().1.len()).then(|| named.parts.get(up).cloned()).flatten()
        }
        _ => None,
    }
}

#[test]
fn a_world_in_core_is_found() {
    let bad = [
        ("crates/core/src/plan/mod.rs", "use std::collections::{BTreeMap, HashMap};\nuse std::time::Duration;"),
        ("crates/core/src/plan/a.rs", "fn f() { std::env::var(\"X\") }"),
        ("crates/core/src/policy.rs", "use crate::plan::Plan;"),
        ("crates/core/src/policy/a.rs", "fn f() { super::super::plan::make() }"),
        ("crates/core/src/helpers/mod.rs", "fn f() {}"),
    ];
    for sample in bad {
        assert_eq!(keep_core_pure(&Project::of([sample])).len(), 1, "{sample:?}");
    }
    let good = [
        (
            "crates/core/src/plan/diff.rs",
            "use super::change;\nuse crate::model::Guid;\n// std::fs\n#[cfg(test)]\nmod tests { use crate::run::Run; }",
        ),
        ("crates/journal/src/plans/mod.rs", "use std::fs;\nuse rollbook_core::run::Run;"),
    ];
    assert_eq!(keep_core_pure(&Project::of(good)), []);
}
