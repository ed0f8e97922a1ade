//! Roles, contexts and role assignments.

use super::{Pairs, Row};

/// Where a role can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The whole site.
    System,
    /// Another account.
    User(i64),
    /// A course category.
    Category(i64),
    /// A course.
    Course(i64),
}

impl Context {
    /// The context's id: 1 for the system, otherwise derived from level and instance.
    pub fn id(self) -> i64 {
        match self {
            Context::System => 1,
            Context::User(id) => id * 10 + 3,
            Context::Category(id) => id * 10 + 4,
            Context::Course(id) => id * 10 + 5,
        }
    }

    /// The context behind an id, whether or not its instance exists.
    pub fn from_id(id: i64) -> Option<Self> {
        match (id, id % 10) {
            (1, _) => Some(Context::System),
            (_, 3) => Some(Context::User(id / 10)),
            (_, 4) => Some(Context::Category(id / 10)),
            (_, 5) => Some(Context::Course(id / 10)),
            _ => None,
        }
    }
}

/// A row of the role table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Row id.
    pub id: i64,
    /// Unique short name.
    pub shortname: String,
    /// Place in lists.
    pub sortorder: i64,
    /// May be given for the whole site.
    pub at_system: bool,
    /// May be given in a category.
    pub at_category: bool,
    /// May be given in a course.
    pub at_course: bool,
}

impl Role {
    /// Whether the role may be given in such a context.
    pub fn fits(&self, context: Context) -> bool {
        match context {
            Context::System => self.at_system,
            Context::Category(_) => self.at_category,
            Context::Course(_) => self.at_course,
            Context::User(_) => false,
        }
    }
}

/// A row of role_assignments. No unique key protects this table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Row id.
    pub id: i64,
    /// The role.
    pub role_id: i64,
    /// Where.
    pub context: Context,
    /// To whom.
    pub user_id: i64,
    /// The owning plugin; `''` for manual rows.
    pub component: String,
    /// The owner's item, 0 for manual rows.
    pub itemid: i64,
    /// Unix time in seconds.
    pub timemodified: i64,
}

/// Index of role_assignments.
#[derive(Clone, Debug, Default)]
pub struct AssignmentIndex {
    pub(crate) place: Pairs<(i64, Context)>,
    pub(crate) holders: Pairs<(Context, i64)>,
}

impl Row for Assignment {
    type Index = AssignmentIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut AssignmentIndex) {
        index.place.enter((self.user_id, self.context), self.id);
        index.holders.enter((self.context, self.role_id), self.id);
    }

    fn leave(&self, index: &mut AssignmentIndex) {
        index.place.leave((self.user_id, self.context), self.id);
        index.holders.leave((self.context, self.role_id), self.id);
    }
}
