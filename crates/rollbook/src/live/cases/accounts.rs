//! Accounts, as the service account makes them.

use crate::live::Bench;
use crate::live::difference::{Checked, differs, holds, refused, same, while_doing};
use crate::live::made::Person;
use rollbook_core::model::Guid;
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::write::NewUser;
use rollbook_moodle::client::{ItemOutcome, send_halving};

const INVALID: &[&str] = &["invalidparameter"];

pub(super) async fn new_accounts_are_as_they_were_sent_and_answered_in_order(bench: &Bench) -> Checked {
    let people = [bench.person(), bench.person(), bench.person()];
    let mut accounts: Vec<NewUser> = people.iter().map(Person::account).collect();
    accounts.reverse();
    let made = bench.writer().create_users(&accounts).await.map_err(while_doing("making accounts"))?;
    let names: Vec<_> = made.iter().map(|(_, username)| username.clone()).collect();
    same("user names, in the order asked", &names, &accounts.iter().map(|user| user.username.clone()).collect())?;
    for (id, username) in &made {
        same("the account of the user name", &bench.found(UserField::Username, username).await?, &vec![*id])?;
    }
    let again = bench.writer().create_users(&accounts).await;
    refused("making the same accounts again", INVALID, again).map(drop)
}

pub(super) async fn one_bad_account_rolls_the_batch_back_and_halving_finds_it(bench: &Bench) -> Checked {
    let (taken, _) = bench.account().await?;
    let (one, two) = (bench.person(), bench.person());
    // Its own GUID, so that only the user name is at fault.
    let bad = Person { username: taken.username.clone(), ..bench.person() };
    let batch = [one.account(), bad.account(), two.account()];
    refused("a batch with a taken user name", INVALID, bench.writer().create_users(&batch).await)?;
    for person in [&one, &bad, &two] {
        same("accounts after the refusal", &bench.found(UserField::IdNumber, &person.guid).await?, &Vec::new())?;
    }
    let writer = bench.writer();
    let outcomes = send_halving(&batch, 10, |part| writer.create_users(part)).await;
    let words: Vec<_> = outcomes.iter().map(outcome_word).collect();
    same("what became of each", &words, &vec!["done", "refused", "done"])
}

pub(super) fn outcome_word<R>(outcome: &ItemOutcome<R>) -> &'static str {
    match outcome {
        ItemOutcome::Done(_) => "done",
        ItemOutcome::Refused(_) => "refused",
        ItemOutcome::Unknown(_) => "unknown",
        ItemOutcome::NotTried(_) => "not tried",
    }
}

pub(super) async fn user_names_keep_to_moodles_rule(bench: &Bench) -> Checked {
    let mut taken = Vec::new();
    for (sign, always) in [("A", true), ("'", false), ("+", false), (" b", false), ("é", false)] {
        let person = bench.person();
        let odd = Person { username: format!("a{sign}{}", person.username), ..person };
        let made = bench.writer().create_users(&[bench.remember(odd).account()]).await;
        match made {
            Ok(_) if !always => taken.push(sign),
            answer => drop(refused(&format!("a user name with {sign:?}"), INVALID, answer)?),
        }
    }
    bench.note(if taken.is_empty() {
        "a user name takes a-z, 0-9, - _ . @".to_owned()
    } else {
        format!("a user name takes these too: {taken:?} (extendedusernamechars)")
    });
    let person = bench.person();
    let plain = Person { username: format!("-_.@0{}", person.username), ..person };
    let made = bench.writer().create_users(&[bench.remember(plain).account()]).await;
    made.map_err(while_doing("making an account with every plain sign in its name")).map(drop)
}

pub(super) async fn a_taken_mail_address_is_refused_in_any_case_of_letters(bench: &Bench) -> Checked {
    let (taken, _) = bench.account().await?;
    for mail in [taken.mail.clone(), taken.mail.to_uppercase()] {
        let person = Person { mail, ..bench.person() };
        match bench.writer().create_users(&[person.account()]).await {
            Ok(_) => {
                bench.note("this site lets accounts share an address (allowaccountssameemail)");
                return Ok(());
            }
            answer => drop(refused("an account with a taken address", INVALID, answer)?),
        }
    }
    Ok(())
}

pub(super) async fn a_taken_guid_is_accepted(bench: &Bench) -> Checked {
    let (taken, _) = bench.account().await?;
    let person = Person { guid: taken.guid.clone(), ..bench.person() };
    let made = bench.writer().create_users(&[person.account()]).await;
    made.map_err(while_doing("making a second account of one GUID"))?;
    same("accounts of the GUID", &bench.found(UserField::IdNumber, &taken.guid).await?.len(), &2)
}

pub(super) async fn odd_addresses_and_names_are_accepted(bench: &Bench) -> Checked {
    let person = bench.person();
    let odd = bench.remember(Person { mail: format!("O'Neil+x.{}", person.mail), ..person });
    let account =
        NewUser { firstname: "Zoë 🎓".to_owned(), lastname: "O'Brien & Söhne".to_owned(), ..odd.account() };
    let made =
        bench.writer().create_users(&[account]).await.map_err(while_doing("making an account with odd signs"))?;
    let found = bench.reader().fetch_users(UserField::Email, std::slice::from_ref(&odd.mail)).await;
    let found = found.map_err(while_doing("looking up an odd address"))?;
    same("the accounts of the address", &found.users.iter().map(|user| user.id).collect::<Vec<_>>(), &vec![made[0].0])?;
    let full = found.users[0].fullname.clone().unwrap_or_default();
    holds("the names are shown as they were sent", full.contains("Zoë 🎓") && full.contains("O'Brien & Söhne"))
}

pub(super) async fn tags_and_overlong_values_are_refused(bench: &Bench) -> Checked {
    let tags = NewUser { firstname: "<b>x</b>".to_owned(), ..bench.person().account() };
    refused("a name with tags", INVALID, bench.writer().create_users(&[tags]).await)?;
    let long = |count: usize| "n".repeat(count);
    let base = || bench.person().account();
    for (what, account) in [
        ("a first name of 101 characters", NewUser { firstname: long(101), ..base() }),
        ("a GUID of 256 characters", NewUser { idnumber: Guid::new(long(256)), ..base() }),
    ] {
        let username = account.username.clone();
        let code =
            refused(what, &["dmlwriteexception", "invalidparameter"], bench.writer().create_users(&[account]).await)?;
        bench.note(format!("{what} is refused with {code}"));
        same("accounts after the refusal", &bench.found(UserField::Username, &username).await?, &Vec::new())?;
    }
    Ok(())
}

pub(super) async fn what_a_deleted_account_had_is_free_again(bench: &Bench) -> Checked {
    let (person, old) = bench.account().await?;
    let deleted = bench.fixture()?.writer().delete_users(&[old]).await;
    deleted.map_err(while_doing("deleting an account"))?;
    let made = bench.writer().create_users(&[person.account()]).await;
    let new = made.map_err(while_doing("making an account with what a deleted one had"))?[0].0;
    if new == old {
        return Err(differs("the new account", "another id".to_owned(), new.to_string()));
    }
    same("accounts of the GUID", &bench.found(UserField::IdNumber, &person.guid).await?, &vec![new])
}
