//! Moodle's tables as its database holds them, as far as anybody reads them; see [`crate::sql`].

use super::{Context, Instance, Moodle, Release, Visibility, WelcomeFrom};
use crate::sql::Column::{Chars, Id, Int, NullChars, NullInt, NullText, Small};
use crate::sql::{Cell, Engine, Layout, Script, cells};

/// The field that nobody means: the same short name in another area.
const FOREIGN_FIELD: i64 = 1;
const OPT_IN_FIELD: i64 = 2;

impl Moodle {
    /// Statements that make all tables anew with today's rows. `prefix` is Moodle's own, usually `mdl_`.
    pub fn sql(&self, engine: Engine, prefix: &str) -> Vec<String> {
        let mut script = Script::new(engine, prefix);
        self.settings(&mut script);
        self.people(&mut script);
        self.courses(&mut script);
        self.methods(&mut script);
        self.roles(&mut script);
        self.cohort_tables(&mut script);
        self.custom_fields(&mut script);
        self.completion_tables(&mut script);
        self.plugins(&mut script);
        script.finish()
    }

    fn settings(&self, script: &mut Script) {
        let site = &self.site;
        let (version, release) = site.release.names();
        let admins: Vec<String> = site.admins.iter().map(i64::to_string).collect();
        let identity: Vec<&str> = site.show_user_identity.iter().map(String::as_str).collect();
        let flag = |on: bool| u8::from(on).to_string();
        let policy = if site.policy { "https://learning.example/policy" } else { "" };
        let settings = [
            ("version", version.to_owned()),
            ("release", release.to_owned()),
            ("siteadmins", admins.join(",")),
            ("siteguest", super::GUEST_ID.to_string()),
            ("allowaccountssameemail", flag(site.same_email_allowed)),
            ("extendedusernamechars", flag(site.extended_username_chars)),
            ("showuseridentity", identity.join(",")),
            ("enablecompletion", flag(site.tracks_completion)),
            ("sitepolicy", policy.to_owned()),
        ];
        script.table(
            Layout {
                name: "config",
                columns: &[("id", Id), ("name", Chars(255)), ("value", NullText)],
                unique: &["name"],
                indexes: &[],
            },
            (1_i64..).zip(settings).map(|(id, (name, value))| cells![id, name, value]),
        );
        let lock = if site.idnumber_locked { "locked" } else { "unlocked" };
        let plugin_settings = [("auth_oauth2", "field_lock_idnumber", lock), ("auth_oauth2", "version", version)];
        script.table(
            Layout {
                name: "config_plugins",
                columns: &[("id", Id), ("plugin", Chars(100)), ("name", Chars(100)), ("value", NullText)],
                unique: &["plugin, name"],
                indexes: &[],
            },
            (1_i64..).zip(plugin_settings).map(|(id, (plugin, name, value))| cells![id, plugin, name, value]),
        );
        script.table(
            Layout {
                name: "oauth2_issuer",
                columns: &[("id", Id), ("name", Chars(255)), ("enabled", Small)],
                unique: &[],
                indexes: &[],
            },
            [cells![1, "Single sign-on", true]],
        );
        let mapped = [("email", "email"), ("given_name", "firstname"), ("sub", "idnumber")];
        let mapped = if site.login_sets_idnumber { &mapped[..] } else { &mapped[..2] };
        script.table(
            Layout {
                name: "oauth2_user_field_mapping",
                columns: &[("id", Id), ("issuerid", Int), ("externalfield", Chars(500)), ("internalfield", Chars(64))],
                unique: &["issuerid, internalfield"],
                indexes: &[],
            },
            (1_i64..).zip(mapped).map(|(id, (outside, inside))| cells![id, 1, *outside, *inside]),
        );
    }

    fn people(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "user",
                columns: &[
                    ("id", Id),
                    ("auth", Chars(20)),
                    ("confirmed", Small),
                    ("policyagreed", Small),
                    ("deleted", Small),
                    ("suspended", Small),
                    ("mnethostid", Int),
                    ("username", Chars(100)),
                    ("idnumber", Chars(255)),
                    ("firstname", Chars(100)),
                    ("lastname", Chars(100)),
                    ("email", Chars(100)),
                    ("institution", Chars(255)),
                    ("department", Chars(255)),
                    ("city", Chars(120)),
                    ("country", Chars(2)),
                    ("timecreated", Int),
                    ("timemodified", Int),
                ],
                unique: &["mnethostid, username"],
                indexes: &["idnumber", "email", "deleted"],
            },
            self.users.iter().map(|user| {
                cells![
                    user.id,
                    &user.auth,
                    user.confirmed,
                    user.policyagreed,
                    user.deleted,
                    user.suspended,
                    1,
                    &user.username,
                    &user.idnumber,
                    &user.firstname,
                    &user.lastname,
                    &user.email,
                    &user.institution,
                    &user.department,
                    &user.city,
                    &user.country,
                    user.timecreated,
                    user.timemodified,
                ]
            }),
        );
    }

    fn courses(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "course_categories",
                columns: &[("id", Id), ("name", Chars(255)), ("idnumber", NullChars(100)), ("parent", Int)],
                unique: &[],
                indexes: &["parent"],
            },
            self.categories.iter().map(|(id, idnumber)| cells![*id, format!("Category {id}"), idnumber, 0]),
        );
        script.table(
            Layout {
                name: "course",
                columns: &[
                    ("id", Id),
                    ("category", Int),
                    ("fullname", Chars(1333)),
                    ("shortname", Chars(255)),
                    ("idnumber", Chars(100)),
                    ("visible", Small),
                    ("enablecompletion", Small),
                    ("groupmode", Small),
                    ("startdate", Int),
                    ("enddate", Int),
                    ("timecreated", Int),
                    ("timemodified", Int),
                ],
                unique: &[],
                indexes: &["idnumber", "shortname", "category"],
            },
            self.courses.iter().map(|course| {
                cells![
                    course.id,
                    course.category,
                    &course.fullname,
                    &course.shortname,
                    &course.idnumber,
                    course.visible,
                    course.enablecompletion,
                    course.separate_groups,
                    0,
                    0,
                    course.timecreated,
                    course.timemodified,
                ]
            }),
        );
        let users = self.users.iter().map(|user| (Context::User(user.id), 30, user.id));
        let categories = self.categories.keys().map(|id| (Context::Category(*id), 40, *id));
        let courses = self.courses.iter().map(|course| (Context::Course(course.id), 50, course.id));
        let contexts = [(Context::System, 10, 0)].into_iter().chain(users).chain(categories).chain(courses);
        script.table(
            Layout {
                name: "context",
                columns: &[
                    ("id", Id),
                    ("contextlevel", Int),
                    ("instanceid", Int),
                    ("path", NullChars(255)),
                    ("depth", Small),
                ],
                unique: &["contextlevel, instanceid"],
                indexes: &["instanceid"],
            },
            contexts.map(|(context, level, instance)| {
                let id = context.id();
                let system = context == Context::System;
                let path = if system { "/1".to_owned() } else { format!("/1/{id}") };
                cells![id, level, instance, path, if system { 1 } else { 2 }]
            }),
        );
    }

    fn methods(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "enrol",
                columns: &[
                    ("id", Id),
                    ("enrol", Chars(20)),
                    ("status", Int),
                    ("courseid", Int),
                    ("sortorder", Int),
                    ("name", NullChars(255)),
                    ("enrolperiod", NullInt),
                    ("enrolstartdate", NullInt),
                    ("enrolenddate", NullInt),
                    ("roleid", NullInt),
                    ("customint1", NullInt),
                    ("customint2", NullInt),
                ],
                unique: &[],
                indexes: &["enrol", "courseid", "roleid"],
            },
            self.instances.iter().map(|method| {
                cells![
                    method.id,
                    &method.enrol,
                    !method.enabled,
                    method.course_id,
                    method.sortorder,
                    Cell::Null,
                    method.enrolperiod,
                    0,
                    0,
                    method.role_id,
                    self.customint1(method),
                    Cell::Null,
                ]
            }),
        );
        script.table(
            Layout {
                name: "user_enrolments",
                columns: &[
                    ("id", Id),
                    ("status", Int),
                    ("enrolid", Int),
                    ("userid", Int),
                    ("timestart", Int),
                    ("timeend", Int),
                    ("modifierid", Int),
                    ("timecreated", Int),
                    ("timemodified", Int),
                ],
                unique: &["enrolid, userid"],
                indexes: &["userid"],
            },
            self.enrolments.iter().map(|row| {
                cells![
                    row.id,
                    row.suspended,
                    row.instance_id,
                    row.user_id,
                    row.timestart,
                    row.timeend,
                    row.modifier_id,
                    row.timecreated,
                    row.timemodified,
                ]
            }),
        );
    }

    /// What the column means depends on the method; before 4.4 final `manual` has no welcome message.
    fn customint1(&self, method: &Instance) -> Option<i64> {
        match (method.enrol.as_str(), method.welcome) {
            ("cohort", _) => Some(method.cohort_id),
            ("manual", _) if self.site.release == Release::V4_4 => None,
            ("manual", WelcomeFrom::Nobody) => Some(0),
            ("manual", WelcomeFrom::CourseContact) => Some(1),
            ("manual", WelcomeFrom::NoReply) => Some(3),
            _ => None,
        }
    }

    fn roles(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "role",
                columns: &[
                    ("id", Id),
                    ("name", Chars(255)),
                    ("shortname", Chars(100)),
                    ("archetype", Chars(30)),
                    ("sortorder", Int),
                ],
                unique: &["shortname", "sortorder"],
                indexes: &[],
            },
            self.roles.values().map(|role| {
                let own = role.shortname.contains('-');
                cells![role.id, "", &role.shortname, if own { "" } else { role.shortname.as_str() }, role.sortorder]
            }),
        );
        script.table(
            Layout {
                name: "role_assignments",
                columns: &[
                    ("id", Id),
                    ("roleid", Int),
                    ("contextid", Int),
                    ("userid", Int),
                    ("component", Chars(100)),
                    ("itemid", Int),
                    ("timemodified", Int),
                ],
                unique: &[],
                indexes: &["roleid, contextid", "userid, contextid, roleid", "component, itemid, userid"],
            },
            self.assignments.iter().map(|row| {
                let context = row.context.id();
                cells![row.id, row.role_id, context, row.user_id, &row.component, row.itemid, row.timemodified]
            }),
        );
    }

    fn cohort_tables(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "cohort",
                columns: &[
                    ("id", Id),
                    ("contextid", Int),
                    ("name", Chars(254)),
                    ("idnumber", NullChars(100)),
                    ("description", NullText),
                    ("visible", Small),
                    ("component", Chars(100)),
                    ("timecreated", Int),
                    ("timemodified", Int),
                ],
                unique: &[],
                indexes: &["contextid"],
            },
            self.cohorts.iter().map(|cohort| {
                cells![
                    cohort.id,
                    cohort.context.id(),
                    &cohort.name,
                    &cohort.idnumber,
                    &cohort.description,
                    cohort.visible,
                    &cohort.component,
                    cohort.timecreated,
                    cohort.timemodified,
                ]
            }),
        );
        script.table(
            Layout {
                name: "cohort_members",
                columns: &[("id", Id), ("cohortid", Int), ("userid", Int), ("timeadded", Int)],
                unique: &["cohortid, userid"],
                indexes: &["userid"],
            },
            self.members.iter().map(|row| cells![row.id, row.cohort_id, row.user_id, row.timeadded]),
        );
    }

    fn custom_fields(&self, script: &mut Script) {
        let field = &self.opt_in_field;
        let owned = self.site.release >= Release::V5_1;
        let mut columns = vec![("id", Id), ("name", Chars(400)), ("component", Chars(100)), ("area", Chars(100))];
        if owned {
            columns.push(("shared", Small));
        }
        script.table(
            Layout { name: "customfield_category", columns: &columns, unique: &[], indexes: &["component, area"] },
            [(1, "cohort", "core_cohort", "cohort"), (2, "course", "core_course", "course")].map(
                |(id, name, component, area)| {
                    let mut row = cells![id, name, component, area];
                    if owned {
                        row.push((field.shared && id == 2).into());
                    }
                    row
                },
            ),
        );
        let visibility = match field.visibility {
            Visibility::Nobody => 0,
            Visibility::Teachers => 1,
            Visibility::Everyone => 2,
        };
        let settings = |checked: bool| {
            let checked = u8::from(checked);
            format!(
                r#"{{"required":"0","uniquevalues":"0","checkbydefault":"{checked}","locked":"0","visibility":"{visibility}"}}"#
            )
        };
        let foreign = cells![FOREIGN_FIELD, &field.shortname, "checkbox", 1, settings(true)];
        let own = cells![OPT_IN_FIELD, &field.shortname, "checkbox", 2, settings(field.checked_by_default)];
        let fields = if field.exists { vec![foreign, own] } else { vec![foreign] };
        script.table(
            Layout {
                name: "customfield_field",
                columns: &[
                    ("id", Id),
                    ("shortname", Chars(100)),
                    ("type", Chars(100)),
                    ("categoryid", NullInt),
                    ("configdata", NullText),
                ],
                unique: &[],
                indexes: &["categoryid"],
            },
            fields,
        );
        self.custom_values(script, owned);
    }

    /// From 5.1 on a value belongs to component, area and item. In a shared category a cohort of the same number has
    /// a value of its own under the same field: a reader that asks by field and number only finds both.
    fn custom_values(&self, script: &mut Script, owned: bool) {
        let mut columns = vec![
            ("id", Id),
            ("fieldid", Int),
            ("instanceid", Int),
            ("intvalue", NullInt),
            ("charvalue", NullChars(1333)),
            ("value", NullText),
            ("contextid", NullInt),
        ];
        if owned {
            columns.extend([("component", Chars(100)), ("area", Chars(100)), ("itemid", Int)]);
        }
        let mut rows = Vec::new();
        let mut add = |course: i64, checked: bool, component: &str, area: &str| {
            let id = rows.len() as i64 + 1;
            let text = u8::from(checked).to_string();
            let context = Context::Course(course).id();
            let mut row = cells![id, OPT_IN_FIELD, course, checked, Cell::Null, text, context];
            if owned {
                row.extend(cells![component, area, 0]);
            }
            rows.push(row);
        };
        for course in self.courses.iter().filter(|_| self.opt_in_field.exists) {
            if owned && self.opt_in_field.shared {
                let other = !course.opt_in.unwrap_or(self.opt_in_field.checked_by_default);
                add(course.id, other, "core_cohort", "cohort");
            }
            if let Some(checked) = course.opt_in {
                add(course.id, checked, "core_course", "course");
            }
        }
        let unique: &[&str] =
            if owned { &["instanceid, fieldid, component, area, itemid"] } else { &["instanceid, fieldid"] };
        script.table(
            Layout { name: "customfield_data", columns: &columns, unique, indexes: &["fieldid, intvalue"] },
            rows,
        );
    }

    fn completion_tables(&self, script: &mut Script) {
        script.table(
            Layout {
                name: "course_completions",
                columns: &[
                    ("id", Id),
                    ("userid", Int),
                    ("course", Int),
                    ("timeenrolled", Int),
                    ("timestarted", Int),
                    ("timecompleted", NullInt),
                    ("reaggregate", Int),
                ],
                unique: &["userid, course"],
                indexes: &["userid", "course", "timecompleted"],
            },
            self.completions
                .iter()
                .map(|row| cells![row.id, row.user_id, row.course_id, 0, 0, row.timecompleted, row.reaggregate]),
        );
        script.table(
            Layout {
                name: "course_completion_criteria",
                columns: &[("id", Id), ("course", Int), ("criteriatype", Int)],
                unique: &[],
                indexes: &["course"],
            },
            (1_i64..)
                .zip(self.courses.iter().filter(|course| course.has_criteria && course.id != super::FRONT_PAGE_ID))
                .map(|(id, course)| cells![id, course.id, if course.self_completion { 1 } else { 4 }]),
        );
    }

    /// Tables of plugins that are only there where the plugin is.
    fn plugins(&self, script: &mut Script) {
        if self.merges.is_empty() {
            return;
        }
        script.table(
            Layout {
                name: "tool_mergeusers",
                columns: &[
                    ("id", Id),
                    ("touserid", Int),
                    ("fromuserid", Int),
                    ("success", Small),
                    ("timemodified", Int),
                    ("log", NullText),
                ],
                unique: &[],
                indexes: &["touserid", "fromuserid"],
            },
            (1_i64..).zip(&self.merges).map(|(id, merge)| cells![id, merge.to, merge.from, true, merge.at, "[]"]),
        );
    }
}
