//! Plans without any network: how long, how much memory, and how both grow.

mod guilds;
mod load;

use crate::table::{Line, Meter};
use load::{Load, NOW};
use rollbook_core::guard::{IntakeView, check_intake};
use rollbook_core::plan::plan_intake;
use std::hint::black_box;

/// So many records of the feed; ten a person.
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

/// Plans of intake from small to large, then of guilds.
pub fn measure() -> Vec<Line> {
    let mut lines: Vec<Line> = SIZES.into_iter().map(intake).collect();
    lines.extend(guilds::measure());
    lines
}

/// A plan with its guards and its digest.
fn intake(records: u64) -> Line {
    let load = Load::of(records);
    let (inputs, policy) = (load.inputs(), load::policy());
    let meter = Meter::start();
    let plan = plan_intake(&inputs, &policy, NOW);
    let view = IntakeView { plan: &plan, feed: &inputs, courses: inputs.courses, policy: &policy, now: NOW };
    black_box((check_intake(&view), plan.digest()));
    let cost = meter.read();
    Line { what: format!("a plan of intake: {} people, {} changes", plan.people, plan.changes.len()), records, cost }
}
