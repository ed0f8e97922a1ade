//! The process that serves: it runs every link when it is due, carries out what people ask for, and sends what is due.
//!
//! All of it goes by the journal. A slot of the schedule becomes a request there, like a person's; a worker of some node
//! takes it, keeps it while it works, and answers. So nodes on one journal share the work, and one that dies loses its
//! requests to another within the lease's time. What keeps a link from running twice at once is the link's own lease with
//! its fence (`rollbook_journal`), never this module's care.
//!
//! It must never decide what a run does. Reading order: `due` (when), `tick` (what is due becomes a request), `work` (a
//! request is taken and answered), `carry` (request → flow → answer), `outboxes`, then `serve`, which holds them together.

mod due;
mod jobs;
mod node;
mod outboxes;
mod serve;
mod systemd;
mod tick;
mod work;

pub use due::{latest_due, next_due};
pub use node::Node;
pub use outboxes::deliver;
pub use serve::serve;
pub use systemd::Systemd;
pub use tick::tick;
pub use work::work_once;
