//! The queries over Drupal's tables, as the version of the Group module wants them.
//!
//! Content tables have a row per language, so each query takes the original only. Roles that every member has are not
//! stored. Version 2 kept the old name of the role table.

use rollbook_remote::database::{Database, DatabaseError};

/// Which tables there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queries {
    version: Version,
    has_status: bool,
    has_aliases: bool,
    name_field: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
    Three,
}

const PERSON: &str = "
    SELECT {int:u.uid}, {text:b.uuid}, {text:u.name}, {text:u.mail}, {int:u.status}
    FROM {table:users_field_data} u JOIN {table:users} b ON b.uid = u.uid
    WHERE u.default_langcode = 1 AND u.uid > 0 AND ";

/// A person by number.
pub(super) const PERSON_BY_NUMBER: &str = "
    SELECT {int:u.uid}, {text:b.uuid}, {text:u.name}, {text:u.mail}, {int:u.status}
    FROM {table:users_field_data} u JOIN {table:users} b ON b.uid = u.uid
    WHERE u.default_langcode = 1 AND u.uid > 0 AND u.uid = ?";

/// People by user name or mail address, both given in lower case.
pub(super) const PERSON_BY_NAME: &str = "
    SELECT {int:u.uid}, {text:b.uuid}, {text:u.name}, {text:u.mail}, {int:u.status}
    FROM {table:users_field_data} u JOIN {table:users} b ON b.uid = u.uid
    WHERE u.default_langcode = 1 AND u.uid > 0 AND (LOWER(u.name) = ? OR LOWER(u.mail) = ?)";

/// People by mail addresses, given in lower case.
pub(super) const PEOPLE_BY_MAILS: &str = "
    SELECT {int:u.uid}, {text:b.uuid}, {text:u.name}, {text:u.mail}, {int:u.status}
    FROM {table:users_field_data} u JOIN {table:users} b ON b.uid = u.uid
    WHERE u.default_langcode = 1 AND u.uid > 0 AND LOWER(u.mail) IN {in}";

/// People by user names, given in lower case.
pub(super) const PEOPLE_BY_NAMES: &str = "
    SELECT {int:u.uid}, {text:b.uuid}, {text:u.name}, {text:u.mail}, {int:u.status}
    FROM {table:users_field_data} u JOIN {table:users} b ON b.uid = u.uid
    WHERE u.default_langcode = 1 AND u.uid > 0 AND LOWER(u.name) IN {in}";

/// The types that groups have.
pub(super) const GROUP_TYPES: &str = "SELECT DISTINCT {text:g.type} FROM {table:groups_field_data} g";

/// Aliases of groups, oldest first: path, alias, language.
const ALIASES: &str = "
    SELECT {text:a.path}, {text:a.alias}, {text:a.langcode} FROM {table:path_alias} a
    WHERE a.path LIKE '/group/%' AND a.status = 1 ORDER BY a.id";

impl Queries {
    /// Recognises the module's version by its tables; `None` where there are none.
    pub(super) async fn detect(tables: &Database, name_field: Option<&str>) -> Result<Option<Self>, DatabaseError> {
        let field_table = name_field.map(|field| format!("group__{field}"));
        let mut names = vec![
            "group_content_field_data",
            "group_relationship_field_data",
            "group_relationship__group_roles",
            "path_alias",
        ];
        names.extend(field_table.as_deref());
        let found = tables.tables(&names).await?;
        let has = |name: &str| found.iter().any(|table| table == name);
        let version = match (has("group_relationship_field_data"), has("group_relationship__group_roles")) {
            (true, true) => Version::Three,
            (true, false) => Version::Two,
            (false, _) if has("group_content_field_data") => Version::One,
            (false, _) => return Ok(None),
        };
        let has_status = !tables.columns("groups_field_data", &["status"]).await?.is_empty();
        let name_field = name_field.filter(|field| has(&format!("group__{field}"))).map(str::to_owned);
        Ok(Some(Self { version, has_status, has_aliases: has("path_alias"), name_field }))
    }

    /// The module's major version.
    pub(super) fn group_version(&self) -> u8 {
        match self.version {
            Version::One => 1,
            Version::Two => 2,
            Version::Three => 3,
        }
    }

    /// Groups of the types `{in}`: id, UUID, label, status, language, type.
    pub(super) fn groups(&self) -> String {
        let status = if self.has_status { "g.status" } else { "1" };
        format!(
            "SELECT {{int:g.id}}, {{text:b.uuid}}, {{text:g.label}}, {{int:{status}}},
                {{text:g.langcode}}, {{text:g.type}}
            FROM {{table:groups_field_data}} g JOIN {{table:groups}} b ON b.id = g.id
            WHERE g.type IN {{in}} AND g.default_langcode = 1 ORDER BY g.id"
        )
    }

    /// Aliases of groups, where the site has any.
    pub(super) fn aliases(&self) -> Option<&'static str> {
        self.has_aliases.then_some(ALIASES)
    }

    /// The values of the field that holds machine names, where there is one.
    pub(super) fn name_fields(&self) -> Option<String> {
        let field = self.name_field.as_ref()?;
        Some(format!(
            "SELECT {{int:f.entity_id}}, {{text:f.{field}_value}} FROM {{table:group__{field}}} f
            WHERE f.deleted = 0 AND f.delta = 0 AND f.{field}_value IS NOT NULL"
        ))
    }

    /// What memberships are told by: the group type, in version 1 inside the name of a bundle.
    pub(super) fn membership_kind(&self, group_type: &str) -> String {
        match self.version {
            Version::One => format!("{group_type}-group_membership"),
            Version::Two | Version::Three => group_type.to_owned(),
        }
    }

    fn membership_where(&self, narrow: Option<&str>) -> String {
        let (table, kind) = match self.version {
            Version::One => ("group_content_field_data", "m.type IN {in}"),
            Version::Two | Version::Three => {
                ("group_relationship_field_data", "m.plugin_id = 'group_membership' AND m.group_type IN {in}")
            }
        };
        // Before the list, which takes all arguments that are left.
        let narrow = narrow.map(|column| format!("m.{column} = ? AND ")).unwrap_or_default();
        format!("{{table:{table}}} m WHERE {narrow}{kind} AND m.default_langcode = 1")
    }

    /// Memberships: id, group, person. `narrow` names a column that must be equal to a first `?`.
    pub(super) fn memberships(&self, narrow: Option<&str>) -> String {
        format!("SELECT {{int:m.id}}, {{int:m.gid}}, {{int:m.entity_id}} FROM {}", self.membership_where(narrow))
    }

    /// Roles of memberships: membership, machine name.
    pub(super) fn roles(&self, narrow: Option<&str>) -> String {
        let table = match self.version {
            Version::One | Version::Two => "group_content__group_roles",
            Version::Three => "group_relationship__group_roles",
        };
        format!(
            "SELECT {{int:r.entity_id}}, {{text:r.group_roles_target_id}} FROM {{table:{table}}} r
            WHERE r.deleted = 0 AND r.entity_id IN (SELECT m.id FROM {}) ORDER BY r.entity_id, r.delta",
            self.membership_where(narrow)
        )
    }

    /// The people of memberships.
    pub(super) fn people(&self, narrow: Option<&str>) -> String {
        format!("{PERSON}u.uid IN (SELECT m.entity_id FROM {})", self.membership_where(narrow))
    }
}
