//! The HR learning system: its feed, and the endpoint that receives completions.

mod completions;
mod damage;
mod dialects;
mod feed;
mod pages;
