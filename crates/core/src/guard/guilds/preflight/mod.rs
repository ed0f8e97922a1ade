//! Whether the community showed what there is. Drupal answers 200 with nothing in it to an account that lost a permission,
//! to a wrong password, and to the right one after five wrong ones.

pub(super) mod canary;
pub(super) mod completeness;
pub(super) mod empty_source;
pub(super) mod identity;
pub(super) mod missing_guilds;
