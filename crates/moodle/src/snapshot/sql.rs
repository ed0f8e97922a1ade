//! What guilds need of Moodle's tables: accounts, cohorts, members, role assignments. Read only.

use super::people::Values;
use rollbook_core::model::{
    Account, Assignment, CategoryId, Cohort, CohortContext, CohortId, CohortVisibility, MoodleCourseId, MoodleUserId,
    RoleContext, RoleId,
};
use rollbook_remote::database::{Arg, Database, DatabaseError, Row};
use std::collections::{BTreeMap, BTreeSet};

/// `context.contextlevel`
const SYSTEM: i64 = 10;
const CATEGORY: i64 = 40;
const COURSE: i64 = 50;

const ACCOUNTS: &str = "
    SELECT {int:u.id}, {text:u.username}, {text:u.email}, {text:u.idnumber}, {text:u.firstname}, {text:u.lastname},
        {int:u.suspended}
    FROM {table:user} u WHERE u.deleted = 0 AND ";

const COHORTS: &str = "
    SELECT {int:h.id}, {text:h.idnumber}, {text:h.name}, {int:h.visible}, {text:h.component}, {int:x.contextlevel},
        {int:x.instanceid}
    FROM {table:cohort} h JOIN {table:context} x ON x.id = h.contextid WHERE ";

const MEMBERS: &str = "
    SELECT {int:m.cohortid}, {int:m.userid} FROM {table:cohort_members} m WHERE m.cohortid IN {in}
    ORDER BY m.cohortid, m.userid";

/// Rows that no plugin owns: those that web services make, and nobody else's are touched.
const ASSIGNMENTS: &str = "
    SELECT {int:ra.userid}, {int:ra.roleid}, {int:x.contextlevel}, {int:x.instanceid}
    FROM {table:role_assignments} ra JOIN {table:context} x ON x.id = ra.contextid
    WHERE ra.component = '' AND ra.roleid IN {in}";

/// The plugin that gives roles to a cohort's members, where the site has it.
const COHORT_ROLE_PLUGIN: &str = "
    SELECT {text:p.value} FROM {table:config_plugins} p WHERE p.plugin = 'local_cohortrole' AND p.name = 'version'";

/// What the plugin gives, as far as the cohort is there.
const COHORT_ROLES: &str = "
    SELECT {int:lr.cohortid}, {int:lr.roleid} FROM {table:local_cohortrole} lr
    JOIN {table:cohort} h ON h.id = lr.cohortid";

/// What the plugin `local_cohortrole` gives the members of cohorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CohortRoles {
    /// The site has no such plugin.
    NoPlugin,
    /// Pairs of cohort and role.
    Given(BTreeSet<(CohortId, RoleId)>),
}

#[derive(Clone, Debug)]
pub struct MoodleDatabase {
    tables: Database,
}

impl MoodleDatabase {
    pub fn new(tables: Database) -> Self {
        Self { tables }
    }

    /// Whether the tables can be read: the number of the site's accounts that are not deleted.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn count_accounts(&self) -> Result<u64, DatabaseError> {
        let sql = "SELECT {int:COUNT(*)} FROM {table:user} WHERE deleted = 0";
        let rows = self.tables.rows("counting accounts", sql, &[]).await?;
        Ok(u64::try_from(rows.first().map_or(Ok(0), |row| row.int(0))?).unwrap_or_default())
    }

    /// Proves that tables are there and can be read.
    ///
    /// # Errors
    /// [`DatabaseError`] about the first that is not or cannot.
    pub async fn prove_readable(&self, tables: &[&str]) -> Result<(), DatabaseError> {
        for table in tables {
            let sql = format!("SELECT {{int:COUNT(*)}} FROM {{table:{table}}} WHERE 1 = 0");
            self.tables.rows("reading Moodle's tables", &sql, &[]).await?;
        }
        Ok(())
    }

    /// An account's user name.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn fetch_username(&self, user: MoodleUserId) -> Result<Option<String>, DatabaseError> {
        let sql = "SELECT {text:u.username} FROM {table:user} u WHERE u.id = ?";
        let rows = self.tables.rows("looking up an account", sql, &[Arg::Int(user.0)]).await?;
        rows.first().map(|row| row.text(0)).transpose()
    }

    /// What the plugin `local_cohortrole` gives.
    ///
    /// # Errors
    /// [`DatabaseError`]
    pub async fn fetch_cohort_roles(&self) -> Result<CohortRoles, DatabaseError> {
        let doing = "reading the roles that local_cohortrole gives";
        if self.tables.rows(doing, COHORT_ROLE_PLUGIN, &[]).await?.is_empty() {
            return Ok(CohortRoles::NoPlugin);
        }
        let rows = self.tables.rows(doing, COHORT_ROLES, &[]).await?;
        let given = rows.iter().map(|row| Ok((CohortId(row.int(0)?), RoleId(row.int(1)?))));
        given.collect::<Result<_, DatabaseError>>().map(CohortRoles::Given)
    }

    pub(super) async fn fetch_accounts(&self, values: &Values) -> Result<Vec<Account>, DatabaseError> {
        let fold = |column: &str| {
            // Only where the server minds case: elsewhere the index would be lost.
            if self.tables.minds_case() { format!("LOWER({column})") } else { column.to_owned() }
        };
        let texts = |texts: &[String]| texts.iter().map(|text| Arg::from(text.as_str())).collect::<Vec<_>>();
        let ids = values.ids.iter().map(|id| Arg::Int(id.0)).collect::<Vec<_>>();
        let mut accounts = Vec::new();
        for (column, args) in [
            (fold("u.email"), texts(&values.mails)),
            ("u.username".to_owned(), texts(&values.usernames)),
            (fold("u.idnumber"), texts(&values.idnumbers)),
            ("u.id".to_owned(), ids),
        ] {
            let sql = format!("{ACCOUNTS}{column} IN {{in}}");
            let rows = self.tables.rows_in("looking up accounts", &sql, &args).await?;
            accounts.extend(rows.iter().map(read_account).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(accounts)
    }

    pub(super) async fn fetch_cohorts(
        &self,
        ids: &BTreeSet<CohortId>,
        idnumbers: &BTreeSet<String>,
    ) -> Result<Vec<Cohort>, DatabaseError> {
        let ids: Vec<Arg> = ids.iter().map(|id| Arg::Int(id.0)).collect();
        let by_id = format!("{COHORTS}h.id IN {{in}}");
        let mut rows = self.tables.rows_in("reading cohorts", &by_id, &ids).await?;
        if !idnumbers.is_empty() {
            // The column has no index, and folding is ours; cohorts are few.
            let all = format!("{COHORTS}h.idnumber <> ''");
            rows.extend(self.tables.rows("reading cohorts", &all, &[]).await?);
        }
        rows.iter().map(read_cohort).collect()
    }

    pub(super) async fn fetch_members(
        &self,
        cohorts: &[CohortId],
    ) -> Result<BTreeMap<CohortId, Vec<MoodleUserId>>, DatabaseError> {
        let ids: Vec<Arg> = cohorts.iter().map(|id| Arg::Int(id.0)).collect();
        let mut members: BTreeMap<CohortId, Vec<MoodleUserId>> =
            cohorts.iter().map(|cohort| (*cohort, Vec::new())).collect();
        for row in self.tables.rows_in("reading the members of cohorts", MEMBERS, &ids).await? {
            members.entry(CohortId(row.int(0)?)).or_default().push(MoodleUserId(row.int(1)?));
        }
        Ok(members)
    }

    pub(super) async fn fetch_assignments(
        &self,
        wanted: &BTreeSet<(RoleId, RoleContext)>,
    ) -> Result<BTreeSet<Assignment>, DatabaseError> {
        let roles: BTreeSet<RoleId> = wanted.iter().map(|(role, _)| *role).collect();
        let roles: Vec<Arg> = roles.into_iter().map(|role| Arg::Int(role.0)).collect();
        let rows = self.tables.rows_in("reading role assignments", ASSIGNMENTS, &roles).await?;
        let mut assignments = BTreeSet::new();
        for row in rows {
            if let Some(context) = role_context(row.int(2)?, row.int(3)?) {
                let (user, role) = (MoodleUserId(row.int(0)?), RoleId(row.int(1)?));
                assignments.insert(Assignment { user, role, context });
            }
        }
        Ok(assignments)
    }
}

fn read_account(row: &Row) -> Result<Account, DatabaseError> {
    Ok(Account {
        id: MoodleUserId(row.int(0)?),
        username: row.text(1)?,
        mail: row.text(2)?,
        guid: row.maybe_text(3)?.unwrap_or_default(),
        first_name: row.text(4)?,
        last_name: row.text(5)?,
        suspended: row.int(6)? != 0,
        // Guilds enrol nobody, so that it does not matter to them.
        confirmed: true,
        auth: String::new(),
    })
}

fn read_cohort(row: &Row) -> Result<Cohort, DatabaseError> {
    let visibility = if row.int(3)? == 0 { CohortVisibility::Hidden } else { CohortVisibility::Visible };
    let context = match row.int(5)? {
        SYSTEM => Some(CohortContext::System),
        _ => Some(CohortContext::Category(CategoryId(row.int(6)?))),
    };
    Ok(Cohort {
        id: CohortId(row.int(0)?),
        idnumber: row.maybe_text(1)?.unwrap_or_default(),
        name: row.text(2)?,
        visibility,
        context,
        component: row.text(4)?,
    })
}

fn role_context(level: i64, instance: i64) -> Option<RoleContext> {
    match level {
        SYSTEM => Some(RoleContext::System),
        CATEGORY => Some(RoleContext::Category(CategoryId(instance))),
        COURSE => Some(RoleContext::Course(MoodleCourseId(instance))),
        _ => None,
    }
}
