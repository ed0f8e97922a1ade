//! How a page asks the process for something.

use crate::layout::PageContext;
use crate::page_error::PageError;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::Job;
use rollbook_settings::link::Link;

/// The configured link of a name.
pub fn find_link<'a>(context: &'a PageContext, name: &str) -> Result<&'a Link, PageError> {
    let link = context.state.settings.links.get(&LinkName::new(name));
    link.ok_or_else(|| PageError::NotFound(format!("link called {name}")))
}

/// Submits a request and wakes the process; gives the path of its page.
pub async fn submit(context: &PageContext, job: &Job) -> Result<String, PageError> {
    let id = context.state.journal.requests().put(job, &context.user.name, context.now).await?;
    context.state.wake.notify_one();
    Ok(format!("/requests/{id}"))
}
