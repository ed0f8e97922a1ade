//! The pages: who may see and do what, what is refused, and what each page looks like over a small made-up world.
//!
//! A test asks the router as a browser would. What a page asks of the process is carried out by the process's own worker,
//! against the sandbox. Next: [`stage`], then [`doors`].

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod acts;
mod browser;
mod completions;
mod doors;
mod harm;
mod limits;
mod login;
mod looks;
mod stage;
mod writes;
