//! Two people of the feed who claim one mail address: neither gets an account with it.

use super::person::Decided;
use crate::model::Guid;
use std::collections::BTreeMap;

/// The GUIDs that claim each address, by folded address.
pub(super) struct Claims(BTreeMap<String, Vec<Guid>>);

impl Claims {
    /// What all people of a feed claim.
    pub(super) fn of(people: &[Decided<'_>]) -> Self {
        let mut claims = BTreeMap::<_, Vec<_>>::new();
        for record in people.iter().flat_map(Decided::claims) {
            claims.entry(record.mail().folded()).or_default().push(record.guid());
        }
        claims.values_mut().for_each(|guids| guids.sort());
        Self(claims)
    }

    /// The GUIDs that claim an address, where there are several.
    pub(super) fn ambiguous_matches(&self, address: &str) -> Option<&[Guid]> {
        self.0.get(address).map(Vec::as_slice).filter(|guids| guids.len() > 1)
    }
}
