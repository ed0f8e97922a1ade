//! A document of JSON:API: nothing that was withheld or could not be read passes for a whole list.

use crate::far::{Far, ONCE, TIMEOUT, is_raw, must_be_harmless};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_community::client::{
    DrupalAuth, DrupalClient, DrupalError, DrupalOptions, Listing, UserWord, WhichMemberships,
};
use rollbook_core::model::GuildUuid;
use serde_json::Value;
use std::sync::LazyLock;

static FAR: LazyLock<(Far, DrupalClient)> = LazyLock::new(|| {
    let far = Far::start();
    let auth = DrupalAuth::Basic { user: "rollbook".to_owned(), password: "p".into() };
    let (clock, _) = Clock::manual(Timestamp::UNIX_EPOCH);
    let options = DrupalOptions::new(&far.url, auth, clock);
    let client = DrupalClient::new(DrupalOptions { timeout: TIMEOUT, pages_max: 3, retry: ONCE, ..options }).unwrap();
    (far, client)
});

pub fn check(input: &[u8]) {
    let (far, client) = &*FAR;
    if let Err(error) = far.ask(input, read(client, input)) {
        must_be_harmless(&error);
    }
}

/// The same document stands for everything that is asked.
async fn read(client: &DrupalClient, input: &[u8]) -> Result<(), DrupalError> {
    let reader = client.open_groups("guild").await?;
    let groups = reader.fetch_groups(Some("field_name")).await;
    let group = reader.probe_group(&GuildUuid::new("6f9619ff-8b86-4d01-b42d-00cf4fc964ff"), None).await;
    let members = reader.fetch_memberships(&WhichMemberships::All).await;
    let people = reader.find_users(&UserWord::Name("jane".to_owned())).await;
    let _version = reader.fetch_module_version().await;
    for error in [groups.as_ref().err(), group.as_ref().err(), members.as_ref().err(), people.as_ref().err()] {
        error.into_iter().for_each(must_be_harmless);
    }
    if let Ok(groups) = &groups {
        must_tell_gaps(groups, input);
    }
    if let Ok(members) = &members {
        must_tell_gaps(&members.list, input);
    }
    Ok(())
}

fn must_tell_gaps<T>(listing: &Listing<T>, input: &[u8]) {
    let Some(document) = serde_json::from_slice::<Value>(input).ok().filter(|_| !is_raw(input)) else { return };
    let rows = document.get("data").and_then(Value::as_array).map(Vec::len);
    // Rows of one number are one row, so that fewer may come of more; none may come of some only with a word.
    let lost = rows.is_some_and(|rows| rows > 0) && listing.rows.is_empty();
    let withheld = document.pointer("/meta/omitted").is_some();
    assert!(!(lost || withheld) || !listing.is_complete(), "a list with gaps was taken for whole");
    assert!(rows.is_none_or(|rows| listing.rows.len() <= rows), "more rows than were given");
}
