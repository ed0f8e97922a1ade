//! Where the servers differ: placeholders, casts, and how a schema is asked for.
//!
//! MySQL's unsigned columns do not decode as signed numbers and PostgreSQL's small ones not as 64-bit ones, so a query names
//! the kind of each column that it wants: `{int:m.id}`, `{text:u.name}`.

/// A server's way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Pg,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// Writes a query with `args` arguments for this server.
    pub(super) fn write(self, template: &str, prefix: &str, args: usize) -> String {
        let mut sql = String::with_capacity(template.len() + args * 4);
        let mut rest = template;
        let mut taken = 0;
        while let Some(at) = rest.find(['{', '?']) {
            sql.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix('?') {
                taken += 1;
                sql.push_str(&self.placeholder(taken));
                rest = after;
                continue;
            }
            let Some((word, after)) = rest[1..].split_once('}') else { break };
            match word.split_once(':') {
                Some(("table", name)) => sql.push_str(&self.quote(&format!("{prefix}{name}"))),
                Some((kind, expression)) => sql.push_str(&self.cast(kind, expression)),
                None if word == "p" => sql.push_str(prefix),
                None => {
                    let list: Vec<String> = (taken + 1..=args).map(|number| self.placeholder(number)).collect();
                    taken = args;
                    sql.push_str(&format!("({})", if list.is_empty() { "NULL".to_owned() } else { list.join(",") }));
                }
            }
            rest = after;
        }
        sql.push_str(rest);
        sql
    }

    /// A table's name, quoted: `user` and `groups` are reserved words.
    fn quote(self, table: &str) -> String {
        match self {
            Self::MySql => format!("`{table}`"),
            Self::Pg | Self::Sqlite => format!("\"{table}\""),
        }
    }

    fn placeholder(self, number: usize) -> String {
        match self {
            Self::MySql | Self::Sqlite => "?".to_owned(),
            Self::Pg => format!("${number}"),
        }
    }

    fn cast(self, kind: &str, expression: &str) -> String {
        let kind = match (self, kind) {
            (Self::MySql, "int") => "SIGNED",
            (Self::Pg, "int") => "BIGINT",
            (Self::Sqlite, "int") => "INTEGER",
            (Self::MySql, _) => "CHAR",
            (Self::Pg | Self::Sqlite, _) => "TEXT",
        };
        format!("CAST({expression} AS {kind})")
    }

    /// Asks which of the tables in `{in}` there are.
    pub(super) fn tables(self) -> &'static str {
        match self {
            Self::MySql => {
                "SELECT {text:table_name} FROM information_schema.tables
                WHERE table_schema = DATABASE() AND table_name IN {in}"
            }
            Self::Pg => {
                "SELECT {text:table_name} FROM information_schema.tables
                WHERE table_schema = ANY (current_schemas(false)) AND table_name IN {in}"
            }
            Self::Sqlite => "SELECT {text:name} FROM sqlite_master WHERE type = 'table' AND name IN {in}",
        }
    }

    /// Asks which of the columns in `{in}` the table in `?` has.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::MySql => {
                "SELECT {text:column_name} FROM information_schema.columns
                WHERE table_schema = DATABASE() AND table_name = ? AND column_name IN {in}"
            }
            Self::Pg => {
                "SELECT {text:column_name} FROM information_schema.columns
                WHERE table_schema = ANY (current_schemas(false)) AND table_name = ? AND column_name IN {in}"
            }
            Self::Sqlite => "SELECT {text:name} FROM pragma_table_info(?) WHERE name IN {in}",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn one_query_is_written_for_each_server() {
        let template = "SELECT {int:u.id}, {text:u.name} FROM {table:user} u WHERE u.deleted = ? AND u.id IN {in}";
        assert_eq!(
            Dialect::MySql.write(template, "mdl_", 3),
            "SELECT CAST(u.id AS SIGNED), CAST(u.name AS CHAR) FROM `mdl_user` u WHERE u.deleted = ? AND u.id IN (?,?)"
        );
        assert_eq!(
            Dialect::Pg.write(template, "", 2),
            "SELECT CAST(u.id AS BIGINT), CAST(u.name AS TEXT) FROM \"user\" u WHERE u.deleted = $1 AND u.id IN ($2)"
        );
        assert_eq!(Dialect::Sqlite.write("x IN {in}", "", 0), "x IN (NULL)");
    }
}
