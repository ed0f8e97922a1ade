//! Which groups of a community are guilds, and how their machine names follow from their types.

use rollbook_core::model::{Guild, fits_pattern, machine_name};

/// Which groups are guilds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSelection {
    /// The machine names of their types; `*` for every type.
    pub types: Vec<String>,
    /// Patterns of labels, `*` for any letters, case does not count; where there are some, a group must fit one.
    pub include: Vec<String>,
    /// Patterns of labels that no guild fits.
    pub exclude: Vec<String>,
    /// The field with the machine name, if any.
    pub name_field: Option<String>,
    /// How a machine name is made where several types could have the same: `{type}-{name}`.
    pub name_rule: Option<String>,
}

impl From<&str> for GroupSelection {
    /// All groups of one type.
    fn from(group_type: &str) -> Self {
        let types = vec![group_type.to_owned()];
        Self { types, include: Vec::new(), exclude: Vec::new(), name_field: None, name_rule: None }
    }
}

impl From<&String> for GroupSelection {
    fn from(group_type: &String) -> Self {
        group_type.as_str().into()
    }
}

impl GroupSelection {
    /// Whether a group of this label is a guild.
    pub(super) fn takes(&self, label: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|pattern| fits_pattern(pattern, label));
        (self.include.is_empty() || fits(&self.include)) && !fits(&self.exclude)
    }

    /// Gives a guild of this type the machine name that the rule wants.
    pub(super) fn name(&self, guild: &mut Guild, group_type: &str) {
        if let Some(rule) = &self.name_rule {
            let own = machine_name(guild);
            let name = Some(rule.replace("{type}", group_type).replace("{name}", own.as_str()));
            // A field's own word wins over the name that a cohort has; a path or label does not.
            match guild.hints.field.as_deref().is_some_and(|field| !field.trim().is_empty()) {
                true => guild.hints.field = name,
                false => guild.hints.alias = name,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_taken_by_pattern() {
        let mut selection = GroupSelection::from("guild");
        assert!(selection.takes("Test guild"));
        selection.exclude = vec!["test*".to_owned()];
        assert!(!selection.takes("Test guild") && selection.takes("Weavers"));
        selection.include = vec!["guild*".to_owned()];
        assert!(!selection.takes("Weavers"));
    }
}
