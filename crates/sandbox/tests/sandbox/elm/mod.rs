//! The HR learning system: its feed, and the endpoint that receives completions.

mod completions;
mod feed;
