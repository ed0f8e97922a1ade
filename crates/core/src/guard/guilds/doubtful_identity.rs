//! Members who cannot be matched beyond doubt: each is left alone; very many at once mean that names or addresses changed
//! as a whole.

use super::share;
use crate::guard::{Finding, GuildView};
use std::collections::BTreeSet;

pub(super) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    let doubtful = view.plan.skips.iter().filter(|skip| skip.reason.is_doubt());
    let doubtful: BTreeSet<_> = doubtful.filter_map(|skip| skip.person).collect();
    let count = doubtful.len() as u64;
    let limits = &view.policy.limits;
    let message = format!("{count} of {} people cannot be matched beyond doubt", view.plan.people);
    if count >= limits.doubtful_exempt_under && share(count, view.plan.people) > limits.doubtful_share {
        let message = format!("{message}; did the names or addresses change as a whole?");
        return vec![Finding::block("doubtful_identity", "run", message)];
    }
    if count > 0 { vec![Finding::warn("doubtful_identity", "run", message)] } else { Vec::new() }
}
