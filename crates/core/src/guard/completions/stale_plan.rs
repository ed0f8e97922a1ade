//! A plan that was made too long ago: the world has moved since.

use super::CompletionsView;
use crate::guard::Finding;

pub(super) fn check(view: &CompletionsView<'_>) -> Vec<Finding> {
    let age = view.now.duration_since(view.plan.made_at);
    let limit = view.policy.limits.plan_age;
    if age <= limit {
        return Vec::new();
    }
    let message = format!("the plan is {} s old, the limit is {} s", age.as_secs(), limit.as_secs());
    vec![Finding::block("stale_plan", "plan", message)]
}
