//! What people and other systems reach over HTTP: pages, acts, pushed events. It reads and writes the journal, and never calls
//! a remote system itself: a button writes a request that the process carries out.
//!
//! Every page works without a script. Next: [`door`], who may come in, then `pages`, then [`events`], which systems push.

mod assets;
pub mod door;
pub mod events;
mod incident;
mod listen;
mod pages;
mod shell;
mod state;

pub use listen::{Bound, Peer, bind, listen};
pub use pages::{DoorPlate, door_plates};
pub use state::WebState;

use axum::Router;
use axum::routing::{get, post};
use events::completion::{self, take_completion};

/// Everything that is served; [`listen`] gives it a socket.
pub fn router(state: WebState) -> Router {
    let events = Router::new().route(completion::PATH, post(take_completion)).with_state(state.gate.clone());
    let assets = Router::new().route("/assets/{name}", get(assets::give));
    let pages = pages::routes(&state).merge(door::routes()).with_state(state.clone());
    door::wrap(pages.merge(assets).merge(events).fallback(incident::nothing_here), &state)
}
