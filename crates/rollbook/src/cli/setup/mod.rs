//! Commands with which one sets Rollbook up.
//!
//! Next: [`init`].

mod completions_shell;
mod demo;
mod doctor;
mod import;
mod init;
mod live;
mod live_community;
mod man_pages;

pub(super) use completions_shell::CompletionsShell;
pub(super) use demo::Demo;
pub(super) use doctor::Doctor;
pub(super) use import::Import;
pub(super) use init::Init;
pub(super) use live::Live;
pub(super) use man_pages::ManPages;
