//! Accounts, looked up by one field or another.

use crate::live::Bench;
use crate::live::difference::{Checked, holds, same, while_doing};
use crate::live::made::Person;
use rollbook_core::model::Guid;
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::write::{UserUpdate, UserUpdateOutcome};
use rollbook_moodle::snapshot::find_by_guid;

pub(super) async fn an_account_is_found_by_every_field_and_shown_with_every_field(bench: &Bench) -> Checked {
    let (person, id) = bench.account().await?;
    for (field, value) in [
        (UserField::Id, id.to_string()),
        (UserField::IdNumber, person.guid.clone()),
        (UserField::Username, person.username.clone()),
        (UserField::Email, person.mail.clone()),
    ] {
        let found = bench.reader().fetch_users(field, &[value]).await.map_err(while_doing("looking somebody up"))?;
        same(&format!("accounts by {field:?}"), &found.users.len(), &1)?;
        let user = &found.users[0];
        same("the id", &user.id, &id)?;
        same("the user name", &user.username.as_deref(), &Some(person.username.as_str()))?;
        same("the address, as it was sent", &user.email.as_deref(), &Some(person.mail.as_str()))?;
        same("the GUID", &user.idnumber.as_deref(), &Some(person.guid.as_str()))?;
        same("the way to sign in", &user.auth.as_deref(), &Some("oauth2"))?;
        same("suspended", &user.suspended, &Some(false))?;
        same("confirmed", &user.confirmed, &Some(true))?;
        holds("it does not look deleted", !user.looks_deleted())?;
        if user.firstname.is_none() {
            bench.note("names are not shown to this token; Rollbook needs none");
        }
    }
    Ok(())
}

pub(super) async fn unknown_values_are_left_out_and_the_rest_comes_by_id(bench: &Bench) -> Checked {
    let (one, first) = bench.account().await?;
    let (two, second) = bench.account().await?;
    let nobody = bench.person();
    let values = [two.guid, nobody.guid, one.guid.clone(), one.guid, String::new()];
    let found = bench.reader().fetch_users(UserField::IdNumber, &values).await;
    let found = found.map_err(while_doing("looking several people up"))?;
    same("ids", &found.users.iter().map(|user| user.id).collect::<Vec<_>>(), &vec![first, second])?;
    same("values without an answer", &found.poisoned.len(), &0)
}

pub(super) async fn guids_are_compared_as_the_database_compares(bench: &Bench) -> Checked {
    let (person, id) = bench.account().await?;
    let loose = bench.found(UserField::IdNumber, &person.guid.to_lowercase()).await? == [id];
    let accents = bench.found(UserField::IdNumber, &person.guid.replace('X', "Ẍ")).await? == [id];
    let space = bench.found(UserField::IdNumber, &format!("{} ", person.guid)).await? == [id];
    let words = |folds: bool| if folds { "does not count" } else { "counts" };
    bench.note(format!(
        "in a GUID, case {}, an accent {}, a space at the end {}",
        words(loose),
        words(accents),
        words(space)
    ));
    let leading = bench.found(UserField::IdNumber, &format!(" {}", person.guid)).await?;
    same("accounts of a GUID after a space", &leading, &Vec::new())?;
    // Whatever the database thinks: an accent makes another person, and the exact spelling is always found.
    let asked = [Guid::new(&person.guid), Guid::new(person.guid.replace('X', "Ẍ"))];
    let directory = find_by_guid(&bench.reader(), &asked).await.map_err(while_doing("finding people by GUID"))?;
    let holders = |guid: &Guid| directory.with_guid(&guid.folded()).map(|accounts| accounts.len());
    same("holders of the GUID", &holders(&asked[0]), &Some(1))?;
    same("holders of the GUID with an accent", &holders(&asked[1]), &Some(0))
}

pub(super) async fn one_guid_may_have_several_accounts(bench: &Bench) -> Checked {
    let (one, first) = bench.account().await?;
    let two = Person { guid: one.guid.clone(), ..bench.person() };
    let made = bench.fixture()?.writer().create_users(&[two.account()]).await;
    let second = made.map_err(while_doing("making a second account of one GUID"))?[0].0;
    same("accounts of the GUID", &bench.found(UserField::IdNumber, &one.guid).await?, &vec![first, second])
}

pub(super) async fn a_suspended_account_is_shown_as_such(bench: &Bench) -> Checked {
    let (person, id) = bench.account().await?;
    let update = UserUpdate { suspended: Some(true), ..UserUpdate::new(id) };
    let updated = bench.fixture()?.writer().update_users(&[update]).await;
    same(
        "suspending an account",
        &updated.map_err(while_doing("suspending an account"))?,
        &vec![UserUpdateOutcome::Done],
    )?;
    let found = bench.reader().fetch_users(UserField::IdNumber, &[person.guid]).await;
    let found = found.map_err(while_doing("looking a suspended account up"))?;
    same("suspended", &found.users.iter().map(|user| user.suspended).collect::<Vec<_>>(), &vec![Some(true)])
}

pub(super) async fn a_deleted_account_is_found_by_id_alone_and_looks_deleted(bench: &Bench) -> Checked {
    let (person, id) = bench.account().await?;
    let deleted = bench.fixture()?.writer().delete_users(&[id]).await;
    deleted.map_err(while_doing("deleting an account"))?;
    for (field, value) in
        [(UserField::IdNumber, &person.guid), (UserField::Username, &person.username), (UserField::Email, &person.mail)]
    {
        same("accounts by what it had", &bench.found(field, value).await?, &Vec::new())?;
    }
    let found = bench.reader().fetch_users(UserField::Id, &[id.to_string()]).await;
    let found = found.map_err(while_doing("looking a deleted account up by id"))?;
    holds("what is found by id looks deleted", found.users.iter().all(|user| user.looks_deleted()))?;
    bench.note(if found.users.is_empty() {
        "a deleted account is not found by id"
    } else {
        "a deleted account is found by id, with a digest for an address"
    });
    Ok(())
}

pub(super) async fn an_unclean_value_spoils_only_itself(bench: &Bench) -> Checked {
    let (person, id) = bench.account().await?;
    let values = [person.username.to_uppercase(), person.username.clone()];
    let found = bench.reader().fetch_users(UserField::Username, &values).await;
    let found = found.map_err(while_doing("looking up an unclean user name"))?;
    same("accounts", &found.users.iter().map(|user| user.id).collect::<Vec<_>>(), &vec![id])?;
    let spoilt: Vec<_> =
        found.poisoned.iter().map(|(value, error)| (value.clone(), error.code().map(str::to_owned))).collect();
    same("spoilt values", &spoilt, &vec![(values[0].clone(), Some("invalidparameter".to_owned()))])?;
    let address = format!(" {}", person.mail);
    let found = bench.reader().fetch_users(UserField::Email, &[address, person.mail]).await;
    let found = found.map_err(while_doing("looking up an unclean address"))?;
    same("accounts by address", &found.users.iter().map(|user| user.id).collect::<Vec<_>>(), &vec![id])?;
    same("spoilt addresses", &found.poisoned.len(), &1)
}
