//! A world to show and to test against: about 1,000 people, 25 courses, five guilds, and the last two hours of the
//! feed with every kind of trouble in it.
//!
//! `cases.rs` names each trouble and its person; `people.rs`, `courses.rs` and `history.rs` make the ordinary world,
//! `stage.rs`, `accounts.rs`, `records.rs` and `moves.rs` put the troubles into it, `guilds.rs` builds the community.
//! Everything follows from the seed and the time.

mod accounts;
pub mod cases;
mod courses;
pub mod guilds;
mod history;
mod moves;
mod people;
mod records;
mod stage;

use jiff::Timestamp;

pub use cases::{CASES, Case};
pub use courses::{
    COURSE_DISABLED, COURSE_MISSING, COURSE_TWICE, COURSE_WITHOUT_METHOD, FIRST_COURSE, ORDINARY_COURSES,
};

use crate::random::Random;
use crate::world::World;
use stage::Stage;

impl World {
    /// The demonstration world: the same for the same seed and time. Feed records lie in the 110 minutes before
    /// `now`; the clock stays the machine's.
    pub fn demo(seed: u64, now: Timestamp) -> World {
        let mut world = World::empty();
        let mut random = Random::new(seed);
        courses::build(&mut world);
        let people = people::build(&mut world, &mut random, now);
        let mut stage = Stage::new(&mut world, now);
        history::play(&mut stage, &mut random, &people);
        accounts::play(&mut stage);
        records::play(&mut stage);
        moves::play(&mut stage);
        stage.publish();
        guilds::build(&mut world, &mut random, &people, now);
        // Its accounts may be corrected by a person's word; the least rights leave that out.
        world.moodle.list_function(crate::MOODLE_TOKEN, "core_user_update_users");
        world.moodle.grant(crate::MOODLE_TOKEN, "moodle/user:update");
        world
    }
}
