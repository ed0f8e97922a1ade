//! Starts and stops all stand-ins together.

use std::io;
use std::sync::Arc;

use crate::calls::Calls;
use crate::faults::Faults;
use crate::server::{Bound, Running, Shared};
use crate::world::{World, WorldGuard};
use crate::{elm, mail, moodle};

/// All stand-ins over one world, on loopback and free ports. Dropping it stops them.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    moodle_port: u16,
    elm_port: u16,
    smtp_port: u16,
    servers: Vec<Running>,
}

impl Sandbox {
    /// Binds all ports and begins to serve.
    ///
    /// # Errors
    /// When a port on loopback cannot be bound.
    pub async fn start(mut world: World) -> io::Result<Sandbox> {
        let moodle = Bound::on_loopback().await?;
        let elm = Bound::on_loopback().await?;
        let smtp = Bound::on_loopback().await?;
        let (moodle_port, elm_port, smtp_port) = (moodle.port(), elm.port(), smtp.port());
        if world.moodle.site.wwwroot.is_empty() {
            world.moodle.site.wwwroot = local(moodle_port);
        }
        let shared = Shared::new(world);
        let servers = vec![
            moodle.serve(shared.clone(), moodle::serve),
            elm.serve(shared.clone(), elm::serve),
            mail::serve(smtp, shared.clone()),
        ];
        Ok(Sandbox {
            shared,
            moodle_port,
            elm_port,
            smtp_port,
            servers,
        })
    }

    /// Moodle's root; REST is at `/webservice/rest/server.php` below it.
    pub fn moodle_url(&self) -> String {
        local(self.moodle_port)
    }

    /// The OData collection of enrolment records.
    pub fn feed_url(&self) -> String {
        format!("{}{}", local(self.elm_port), elm::FEED_PATH)
    }

    /// Where completions are posted and looked up.
    pub fn completion_url(&self) -> String {
        format!("{}{}", local(self.elm_port), elm::COMPLETION_PATH)
    }

    /// The mail server, without encryption.
    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.smtp_port)
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

    /// Closes every port and connection.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
