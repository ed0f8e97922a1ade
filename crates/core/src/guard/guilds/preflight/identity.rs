//! The community must have said who was reading.

use crate::guard::{Finding, GuildView};
use crate::model::Identity;

pub(in crate::guard::guilds) fn check(view: &GuildView<'_>) -> Vec<Finding> {
    match &view.inputs.community.value.identity {
        Identity::Proven { .. } | Identity::Database => Vec::new(),
        Identity::Anonymous => vec![Finding::block(
            "identity",
            "community",
            "the community took Rollbook for nobody in particular: password, token or flood protection",
        )],
    }
}
