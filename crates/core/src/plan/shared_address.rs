//! Two people of the feed who would get accounts with one mail address: neither gets one.

use crate::model::Guid;
use std::collections::BTreeMap;

/// The GUIDs that claim each address, by folded address.
#[derive(Default)]
pub(super) struct Claims(BTreeMap<String, Vec<Guid>>);

impl Claims {
    /// One person wants an account with this folded address.
    pub(super) fn add(&mut self, address: String, guid: Guid) {
        self.0.entry(address).or_default().push(guid);
    }

    /// The GUIDs that claim an address, where there are several.
    pub(super) fn rivals(&self, address: &str) -> Option<&[Guid]> {
        self.0.get(address).map(Vec::as_slice).filter(|guids| guids.len() > 1)
    }
}
