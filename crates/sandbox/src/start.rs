//! Starts and stops all stand-ins together, and takes one of them down for a while.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::calls::Calls;
use crate::faults::Faults;
use crate::server::{Bound, Running, Shared};
use crate::world::{World, WorldGuard};
use crate::{community, elm, mail, moodle};

/// One listening port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// Moodle.
    Moodle,
    /// The feed and the completion endpoint.
    Elm,
    /// The community site.
    Community,
    /// The mail server.
    Smtp,
}

/// All stand-ins over one world, on loopback and free ports. Dropping it stops them.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    ports: BTreeMap<Server, u16>,
    running: Mutex<BTreeMap<Server, Running>>,
}

impl Sandbox {
    /// Binds all ports and begins to serve.
    ///
    /// # Errors
    /// When a port on loopback cannot be bound.
    pub async fn start(mut world: World) -> io::Result<Sandbox> {
        let mut bound = BTreeMap::new();
        for server in [Server::Moodle, Server::Elm, Server::Community, Server::Smtp] {
            bound.insert(server, Bound::on_loopback(0).await?);
        }
        let ports: BTreeMap<Server, u16> = bound.iter().map(|(server, bound)| (*server, bound.port())).collect();
        if world.moodle.site.wwwroot.is_empty() {
            world.moodle.site.wwwroot = local(ports[&Server::Moodle]);
        }
        let shared = Shared::new(world);
        let running = bound.into_iter().map(|(server, bound)| (server, serve(server, bound, &shared))).collect();
        Ok(Sandbox { shared, ports, running: Mutex::new(running) })
    }

    /// Moodle's root; REST is at `/webservice/rest/server.php` below it.
    pub fn moodle_url(&self) -> String {
        local(self.ports[&Server::Moodle])
    }

    /// The OData collection of enrolment records.
    pub fn feed_url(&self) -> String {
        format!("{}{}", local(self.ports[&Server::Elm]), elm::FEED_PATH)
    }

    /// All records in one file, an array of objects.
    pub fn json_file_url(&self) -> String {
        format!("{}{}", local(self.ports[&Server::Elm]), elm::JSON_FILE_PATH)
    }

    /// All records in one file of comma-separated values.
    pub fn csv_file_url(&self) -> String {
        format!("{}{}", local(self.ports[&Server::Elm]), elm::CSV_FILE_PATH)
    }

    /// Where the HR system issues access tokens; see [`elm::Auth::OAuth2`].
    pub fn elm_token_url(&self) -> String {
        format!("{}{}", local(self.ports[&Server::Elm]), elm::TOKEN_PATH)
    }

    /// Where completions are posted and looked up.
    pub fn completion_url(&self) -> String {
        format!("{}{}", local(self.ports[&Server::Elm]), elm::COMPLETION_PATH)
    }

    /// The community's root; JSON:API is at `/jsonapi`, the token endpoint at `/oauth/token` below it.
    pub fn community_url(&self) -> String {
        local(self.ports[&Server::Community])
    }

    /// The mail server, without encryption.
    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.ports[&Server::Smtp])
    }

    /// The world, locked: drop the guard before the next request.
    pub fn world(&self) -> WorldGuard<'_> {
        WorldGuard(self.shared.world())
    }

    /// The fault switches.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was asked so far.
    pub fn calls(&self) -> Calls {
        self.shared.calls.snapshot()
    }

    /// Empties the list of calls.
    pub fn forget_calls(&self) {
        self.shared.calls.forget();
    }

    /// Closes one port and its connections: from here on, connecting to it is refused.
    pub async fn take_down(&self, server: Server) {
        let running = self.running.lock().await.remove(&server);
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Opens a port again that was taken down.
    ///
    /// # Errors
    /// When something else has taken the port meanwhile.
    pub async fn bring_up(&self, server: Server) -> io::Result<()> {
        let mut running = self.running.lock().await;
        if let Entry::Vacant(place) = running.entry(server) {
            let bound = Bound::on_loopback(self.ports[&server]).await?;
            place.insert(serve(server, bound, &self.shared));
        }
        Ok(())
    }

    /// Closes every port and connection.
    pub async fn stop(self) {
        for running in self.running.into_inner().into_values() {
            running.stop().await;
        }
    }
}

fn serve(server: Server, bound: Bound, shared: &Arc<Shared>) -> Running {
    let shared = shared.clone();
    match server {
        Server::Moodle => bound.serve(shared, moodle::serve),
        Server::Community => bound.serve(shared, community::serve),
        Server::Elm => bound.serve(shared, elm::serve),
        Server::Smtp => mail::serve(bound, shared),
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
