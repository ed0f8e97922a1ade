//! The community's tables as Drupal's database holds them, as far as anybody reads them; see [`crate::sql`].

use super::kind::{MEMBERSHIP, bundle, group_type_of};
use super::state::{Community, GroupVersion};
use crate::sql::Column::{Chars, Id, Int, NullChars, NullInt, NullText, Small};
use crate::sql::{Cell, Engine, Layout, Script, cells};

/// Translations are rows of their own, with `default_langcode` 0: no second group, no second person.
const TRANSLATION: &str = "de";

impl Community {
    /// Statements that make all tables anew with today's rows. `prefix` is Drupal's own, often empty.
    pub fn sql(&self, engine: Engine, prefix: &str) -> Vec<String> {
        let mut script = Script::new(engine, prefix);
        self.people(&mut script);
        self.group_tables(&mut script);
        self.group_fields(&mut script);
        self.relationships(&mut script);
        self.configuration(&mut script);
        script.finish()
    }

    fn people(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "users",
                columns: &[("uid", Id), ("uuid", Chars(128)), ("langcode", Chars(12))],
                unique: &["uuid"],
                indexes: &[],
            },
            self.accounts.values().map(|account| cells![account.uid, &account.uuid, "en"]),
        );
        script.table(
            Layout {
                name: "users_field_data",
                columns: &[
                    ("uid", Int),
                    ("langcode", Chars(12)),
                    ("default_langcode", Small),
                    ("name", Chars(60)),
                    ("mail", NullChars(254)),
                    ("status", Small),
                ],
                unique: &["uid, langcode", "name, langcode"],
                indexes: &["mail"],
            },
            self.accounts.values().map(|it| cells![it.uid, "en", true, &it.name, it.mail.as_ref(), it.active]).chain(
                self.accounts.values().map(|it| {
                    let name = format!("{} ({TRANSLATION})", it.name);
                    cells![it.uid, TRANSLATION, false, name, "translated@example.org", it.active]
                }),
            ),
        );
        let named = || self.accounts.values().filter_map(|it| Some((it.uid, it.profile.as_ref()?)));
        script.table(
            Layout {
                name: "profile",
                columns: &[
                    ("profile_id", Id),
                    ("type", Chars(32)),
                    ("uid", Int),
                    ("status", Small),
                    ("is_default", Small),
                ],
                unique: &[],
                indexes: &["uid"],
            },
            named().map(|(uid, profile)| cells![profile.id, "profile", uid, true, true]),
        );
        let first = named().map(|(_, profile)| cells!["profile", false, profile.id, "en", 0, &profile.first_name]);
        field_table(script, "profile__field_profile_first_name", first);
        let last = named().map(|(_, profile)| cells!["profile", false, profile.id, "en", 0, &profile.last_name]);
        field_table(script, "profile__field_profile_last_name", last);
    }

    fn group_tables(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "groups",
                columns: &[("id", Id), ("type", Chars(32)), ("uuid", Chars(128)), ("langcode", Chars(12))],
                unique: &["uuid"],
                indexes: &["type"],
            },
            self.groups.values().map(|group| cells![group.id, &group.kind, &group.uuid, "en"]),
        );
        // Group 1.2 knows no unpublished groups.
        let has_status = self.version != GroupVersion::V1;
        let mut columns = vec![
            ("id", Int),
            ("type", Chars(32)),
            ("langcode", Chars(12)),
            ("default_langcode", Small),
            ("label", Chars(255)),
            ("uid", Int),
            ("created", Int),
            ("changed", Int),
        ];
        if has_status {
            columns.push(("status", Small));
        }
        let languages = [("en", true), (TRANSLATION, false)];
        let rows = languages.into_iter().flat_map(|(langcode, default)| {
            self.groups.values().map(move |group| {
                let label = if default { group.label.clone() } else { format!("{} ({langcode})", group.label) };
                let (created, changed) = (group.created.as_second(), group.changed.as_second());
                let mut row = cells![group.id, &group.kind, langcode, default, label, 1, created, changed];
                if has_status {
                    row.push(group.published.into());
                }
                row
            })
        });
        script.table(
            Layout { name: "groups_field_data", columns: &columns, unique: &["id, langcode"], indexes: &["type"] },
            rows,
        );
        let aliased = self.groups.values().filter_map(|group| Some((group.id, group.alias.as_ref()?)));
        script.table(
            Layout {
                name: "path_alias",
                columns: &[
                    ("id", Id),
                    ("path", NullChars(255)),
                    ("alias", NullChars(255)),
                    ("langcode", Chars(12)),
                    ("status", Small),
                ],
                unique: &[],
                indexes: &["path, langcode, status"],
            },
            aliased.map(|(id, alias)| cells![id, format!("/group/{id}"), alias, "en", true]),
        );
    }

    /// Tables of fields that the site has: a field that no group fills is not there.
    fn group_fields(&self, script: &mut Script) {
        let texts = [
            ("field_machine_name", self.filled(|group| group.machine_name.clone())),
            ("field_group_description", self.filled(|group| group.description.clone())),
            ("field_flexible_group_visibility", self.filled(|group| group.visibility.clone())),
        ];
        for (field, rows) in texts {
            if !rows.is_empty() {
                field_table(script, &format!("group__{field}"), rows);
            }
        }
        if self.terms.is_empty() {
            return;
        }
        script.table(
            Layout {
                name: "taxonomy_term_field_data",
                columns: &[
                    ("tid", Int),
                    ("vid", Chars(32)),
                    ("langcode", Chars(12)),
                    ("default_langcode", Small),
                    ("name", Chars(255)),
                    ("status", Small),
                ],
                unique: &["tid, langcode"],
                indexes: &["name"],
            },
            self.terms.values().map(|term| cells![term.id, "group_type", "en", true, &term.name, true]),
        );
        script.table(
            Layout {
                name: "group__field_group_type",
                columns: &[
                    ("bundle", Chars(128)),
                    ("deleted", Small),
                    ("entity_id", Int),
                    ("langcode", Chars(32)),
                    ("delta", Int),
                    ("field_group_type_target_id", Int),
                ],
                unique: &["entity_id, deleted, delta, langcode"],
                indexes: &["field_group_type_target_id"],
            },
            self.groups.values().filter_map(|it| Some(cells![&it.kind, false, it.id, "en", 0, it.term?])),
        );
    }

    fn filled(&self, value: impl Fn(&super::Group) -> Option<String>) -> Vec<Vec<Cell>> {
        let rows = self.groups.values();
        rows.filter_map(|group| Some(cells![&group.kind, false, group.id, "en", 0, value(group)?])).collect()
    }

    fn relationships(&self, script: &mut Script) {
        let (base, roles) = match self.version {
            GroupVersion::V1 => ("group_content", "group_content__group_roles"),
            GroupVersion::V2 => ("group_relationship", "group_content__group_roles"),
            GroupVersion::V3 => ("group_relationship", "group_relationship__group_roles"),
        };
        let of = |row: &super::Membership| bundle(group_type_of(self, row), &row.plugin);
        script.table(
            Layout {
                name: base,
                columns: &[("id", Id), ("type", Chars(32)), ("uuid", Chars(128)), ("langcode", Chars(12))],
                unique: &["uuid"],
                indexes: &["type"],
            },
            self.memberships.values().map(|row| cells![row.id, of(row), &row.uuid, "en"]),
        );
        let mut columns = vec![
            ("id", Int),
            ("type", Chars(32)),
            ("langcode", Chars(12)),
            ("default_langcode", Small),
            ("uid", NullInt),
            ("gid", NullInt),
            ("entity_id", NullInt),
            ("label", NullChars(255)),
            ("created", Int),
            ("changed", Int),
        ];
        let names_plugin = self.version != GroupVersion::V1;
        if names_plugin {
            columns.extend([("plugin_id", Chars(64)), ("group_type", Chars(32))]);
        }
        let indexes: &[&str] =
            if names_plugin { &["gid, plugin_id, entity_id", "group_type, plugin_id"] } else { &["type, entity_id"] };
        script.table(
            Layout { name: &format!("{base}_field_data"), columns: &columns, unique: &["id, langcode"], indexes },
            self.memberships.values().map(|row| {
                let (created, changed) = (row.created.as_second(), row.changed.as_second());
                let [owner, group, member] = [1, row.group_id, row.uid];
                let mut cells = cells![row.id, of(row), "en", true, owner, group, member, &row.label, created, changed];
                if names_plugin {
                    cells.extend(cells![&row.plugin, group_type_of(self, row)]);
                }
                cells
            }),
        );
        let given = self.memberships.values().filter(|row| row.plugin == MEMBERSHIP).flat_map(|row| {
            let roles = (0_i64..).zip(&row.roles);
            roles.map(move |(delta, role)| cells![of(row), false, row.id, row.id, "en", delta, role])
        });
        script.table(
            Layout {
                name: roles,
                columns: &[
                    ("bundle", Chars(128)),
                    ("deleted", Small),
                    ("entity_id", Int),
                    ("revision_id", Int),
                    ("langcode", Chars(32)),
                    ("delta", Int),
                    ("group_roles_target_id", Chars(255)),
                ],
                unique: &["entity_id, deleted, delta, langcode"],
                indexes: &["group_roles_target_id"],
            },
            given,
        );
    }

    /// What bundles are for stands in configuration objects, serialised as PHP does.
    fn configuration(&self, script: &mut Script) {
        let mut objects: Vec<(String, String)> = Vec::new();
        for (group_type, label) in &self.group_types {
            objects.push((format!("group.type.{group_type}"), php(&[("id", group_type), ("label", label)])));
            let family = if self.version == GroupVersion::V3 { "relationship_type" } else { "content_type" };
            for plugin in [MEMBERSHIP].into_iter().chain(self.plugins.iter().map(String::as_str)) {
                let id = bundle(group_type, plugin);
                let data = php(&[("id", &id), ("group_type", group_type), ("content_plugin", plugin)]);
                objects.push((format!("group.{family}.{id}"), data));
            }
        }
        for role in &self.group_roles {
            objects
                .push((format!("group.role.{role}"), php(&[("id", role), ("label", role), ("scope", "individual")])));
        }
        script.table(
            Layout {
                name: "config",
                columns: &[("collection", Chars(255)), ("name", Chars(255)), ("data", NullText)],
                unique: &["collection, name"],
                indexes: &[],
            },
            objects.into_iter().map(|(name, data)| cells!["", name, data]),
        );
    }
}

/// A field's own table of texts; the name says which field.
fn field_table(script: &mut Script, table: &str, rows: impl IntoIterator<Item = Vec<Cell>>) {
    let field = table.split_once("__").map_or(table, |(_, field)| field);
    let value = format!("{field}_value");
    script.table(
        Layout {
            name: table,
            columns: &[
                ("bundle", Chars(128)),
                ("deleted", Small),
                ("entity_id", Int),
                ("langcode", Chars(32)),
                ("delta", Int),
                (value.as_str(), NullText),
            ],
            unique: &["entity_id, deleted, delta, langcode"],
            indexes: &[],
        },
        rows,
    );
}

/// PHP's `serialize` of an array of texts.
fn php(fields: &[(&str, &str)]) -> String {
    let text = |text: &str| format!("s:{}:\"{text}\";", text.len());
    let body: String = fields.iter().map(|(name, value)| text(name) + &text(value)).collect();
    format!("a:{}:{{{body}}}", fields.len())
}
