//! Every write of guilds × every fault; then the sites are well again, and nothing may tell that they were not.
//!
//! `stage` is a change of the community that takes every write, and the picture that it leaves; the twin is the same without
//! any fault. Next: `matrix`.

mod death;
mod journal;
mod matrix;
mod reads;
mod stage;
