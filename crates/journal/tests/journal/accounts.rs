//! Accounts, sessions, login links and tokens: what is kept, and when it stops to hold.

use crate::rules;
use crate::world::{World, at};
use rollbook_core::model::{LinkName, RoleName};
use rollbook_journal::{JournalError, NewToken};

rules!(
    account_is_one_person_whatever_the_case,
    last_administrator_can_neither_leave_nor_lose_the_role,
    session_holds_until_its_end_or_until_it_is_idle,
    change_of_an_account_ends_its_sessions,
    login_link_works_once_and_in_time,
    failed_logins_are_counted_for_a_while,
    token_holds_until_its_end_or_until_it_is_revoked,
    single_sign_on_never_takes_an_account_over_by_its_name,
    every_act_on_an_account_has_its_author,
);

fn minutes(count: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_mins(count)
}

async fn account_is_one_person_whatever_the_case(world: World) {
    let journal = world.open().await;
    journal.accounts().add(" Jane@Example.org", RoleName::Viewer, Some("hash"), "cli", at(0)).await.unwrap();
    let again = journal.accounts().add("jane@example.ORG", RoleName::Viewer, None, "cli", at(1)).await;
    assert!(matches!(again, Err(JournalError::Conflict { .. })), "{again:?}");
    let account = journal.accounts().find("JANE@example.org ").await.unwrap().unwrap();
    assert_eq!((account.name.as_str(), account.password.as_deref()), ("jane@example.org", Some("hash")));
    assert_eq!((account.role, account.made, account.login), (RoleName::Viewer, at(0), None));
    assert!(journal.accounts().find("nobody").await.unwrap().is_none());
}

async fn last_administrator_can_neither_leave_nor_lose_the_role(world: World) {
    let journal = world.open().await;
    for name in ["one", "two"] {
        journal.accounts().add(name, RoleName::Administrator, None, "cli", at(0)).await.unwrap();
    }
    journal.accounts().set_disabled("one", true, "two", at(1)).await.unwrap();
    for refused in [
        journal.accounts().set_disabled("two", true, "two", at(2)).await,
        journal.accounts().set_role("two", RoleName::Viewer, "two", at(2)).await,
    ] {
        assert!(matches!(refused, Err(JournalError::Conflict { .. })), "{refused:?}");
    }
    journal.accounts().set_disabled("one", false, "two", at(3)).await.unwrap();
    journal.accounts().set_role("two", RoleName::Viewer, "one", at(4)).await.unwrap();
    assert_eq!(journal.accounts().find("two").await.unwrap().unwrap().role, RoleName::Viewer);
    assert!(matches!(
        journal.accounts().set_role("none", RoleName::Viewer, "one", at(5)).await,
        Err(JournalError::NotFound { .. })
    ));
}

async fn session_holds_until_its_end_or_until_it_is_idle(world: World) {
    let journal = world.open().await;
    journal.accounts().add("jane", RoleName::Operator, None, "cli", at(0)).await.unwrap();
    journal.sessions().open("jane", "cookie", at(60), at(0)).await.unwrap();
    let found = journal.sessions().find("cookie", minutes(10), true, at(10)).await.unwrap().unwrap();
    assert_eq!((found.account.name.as_str(), found.made, found.expires), ("jane", at(0), at(60)));
    assert!(journal.sessions().find("another", minutes(10), true, at(10)).await.unwrap().is_none());
    assert!(
        journal.sessions().find("cookie", minutes(9), true, at(20)).await.unwrap().is_none(),
        "it was seen last at 10"
    );
    assert!(journal.sessions().find("cookie", minutes(55), true, at(60)).await.unwrap().is_none(), "it is over");
    assert!(journal.sessions().find("cookie", minutes(49), true, at(59)).await.unwrap().is_some());
    journal.sessions().close("cookie").await.unwrap();
    assert!(journal.sessions().find("cookie", minutes(59), true, at(59)).await.unwrap().is_none());
    assert_eq!(journal.accounts().find("jane").await.unwrap().unwrap().login, Some(at(0)));
}

async fn change_of_an_account_ends_its_sessions(world: World) {
    let journal = world.open().await;
    for name in ["jane", "boss"] {
        journal.accounts().add(name, RoleName::Administrator, None, "cli", at(0)).await.unwrap();
    }
    let holds = async |hash: &str| journal.sessions().find(hash, minutes(9), true, at(9)).await.unwrap().is_some();
    journal.sessions().open("boss", "boss", at(60), at(0)).await.unwrap();
    for number in 0..3 {
        let hash = format!("cookie{number}");
        journal.sessions().open("jane", &hash, at(60), at(1)).await.unwrap();
        assert!(holds(&hash).await);
        match number {
            0 => journal.accounts().set_password("jane", "hash", "boss", at(2)).await.unwrap(),
            1 => journal.accounts().set_role("jane", RoleName::Viewer, "boss", at(2)).await.unwrap(),
            _ => journal.accounts().set_disabled("jane", true, "boss", at(2)).await.unwrap(),
        }
        assert!(!holds(&hash).await);
    }
    assert!(holds("boss").await);
}

async fn login_link_works_once_and_in_time(world: World) {
    let journal = world.open().await;
    journal.accounts().add("jane", RoleName::Viewer, None, "cli", at(0)).await.unwrap();
    for hash in ["good", "late", "shut"] {
        journal.accounts().add_login_link("Jane", hash, at(60), "cli", at(0)).await.unwrap();
    }
    let nobody = journal.accounts().add_login_link("nobody", "x", at(60), "cli", at(0)).await;
    assert!(matches!(nobody, Err(JournalError::NotFound { .. })));
    assert_eq!(journal.accounts().use_login_link("good", at(1)).await.unwrap().unwrap().name, "jane");
    assert!(journal.accounts().use_login_link("good", at(1)).await.unwrap().is_none());
    assert!(journal.accounts().use_login_link("late", at(60)).await.unwrap().is_none());
    assert!(journal.accounts().use_login_link("never made", at(1)).await.unwrap().is_none());
    journal.accounts().set_disabled("jane", true, "cli", at(2)).await.unwrap();
    assert!(journal.accounts().use_login_link("shut", at(3)).await.unwrap().is_none());
}

async fn failed_logins_are_counted_for_a_while(world: World) {
    let journal = world.open().await;
    for minute in 0..4 {
        journal.accounts().record_failed_login(&["account Jane", "address ::1"], at(-100), at(minute)).await.unwrap();
    }
    assert_eq!(journal.accounts().failed_logins("account jane", at(-1)).await.unwrap(), 4);
    assert_eq!(journal.accounts().failed_logins("account jane", at(1)).await.unwrap(), 2);
    assert_eq!(journal.accounts().failed_logins("account else", at(-1)).await.unwrap(), 0);
    journal.accounts().clear_failed_logins("account JANE").await.unwrap();
    assert_eq!(journal.accounts().failed_logins("account jane", at(-1)).await.unwrap(), 0);
    assert_eq!(journal.accounts().failed_logins("address ::1", at(-1)).await.unwrap(), 4);
    journal.accounts().record_failed_login(&["address ::1"], at(3), at(20)).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM login_try").await, 2, "what is old is swept out");
}

async fn token_holds_until_its_end_or_until_it_is_revoked(world: World) {
    let journal = world.open().await;
    let token = NewToken { name: "scheduler", hash: "hash", scope: "run read", expires: at(60) };
    let id = journal.tokens().add(&token, "boss", at(0)).await.unwrap();
    let same = journal.tokens().add(&NewToken { hash: "other", ..token.clone() }, "boss", at(1)).await;
    assert!(matches!(same, Err(JournalError::Conflict { .. })), "{same:?}");
    let found = journal.tokens().find("hash", at(1)).await.unwrap().unwrap();
    assert_eq!((found.id, found.scope.as_str(), found.made_by.as_str()), (id, "run read", "boss"));
    assert!(journal.tokens().find("other", at(1)).await.unwrap().is_none());
    assert!(journal.tokens().find("hash", at(60)).await.unwrap().is_none());
    assert_eq!(journal.tokens().list().await.unwrap()[0].used, Some(at(1)));
    journal.tokens().revoke(id, "boss", at(2)).await.unwrap();
    assert!(journal.tokens().find("hash", at(3)).await.unwrap().is_none());
    assert!(matches!(journal.tokens().revoke(id, "boss", at(4)).await, Err(JournalError::NotFound { .. })));
    journal.tokens().add(&NewToken { hash: "third", ..token }, "boss", at(5)).await.unwrap();
}

async fn single_sign_on_never_takes_an_account_over_by_its_name(world: World) {
    let journal = world.open().await;
    journal.accounts().add("jane", RoleName::Administrator, Some("hash"), "cli", at(0)).await.unwrap();
    let taken = journal.accounts().from_single_sign_on("https://issuer 1", "Jane", RoleName::Viewer, at(1)).await;
    assert!(matches!(taken, Err(JournalError::Conflict { .. })), "{taken:?}");
    let first =
        journal.accounts().from_single_sign_on("https://issuer 2", "ann", RoleName::Viewer, at(1)).await.unwrap();
    assert!(first.is_foreign && first.password.is_none());
    // The person keeps the account, whatever they are called later; the role follows the issuer.
    let later = journal
        .accounts()
        .from_single_sign_on("https://issuer 2", "ann.married", RoleName::Approver, at(2))
        .await
        .unwrap();
    assert_eq!((later.name.as_str(), later.role), ("ann", RoleName::Approver));
}

async fn every_act_on_an_account_has_its_author(world: World) {
    let journal = world.open().await;
    journal.accounts().add("jane", RoleName::Viewer, None, "cli", at(0)).await.unwrap();
    journal.accounts().add("boss", RoleName::Administrator, None, "cli", at(0)).await.unwrap();
    journal.accounts().set_role("jane", RoleName::Approver, "boss", at(1)).await.unwrap();
    journal.accounts().add_login_link("jane", "hash", at(60), "boss", at(2)).await.unwrap();
    let token = NewToken { name: "scheduler", hash: "secret", scope: "run", expires: at(60) };
    journal.tokens().add(&token, "boss", at(3)).await.unwrap();
    let acts = journal.runs().acts(&LinkName::new(""), i64::MAX, 10).await.unwrap();
    let told: Vec<(&str, &str)> =
        acts.iter().map(|act| (act.author.as_str(), act.payload["act"].as_str().unwrap())).collect();
    let expected = [
        ("boss", "token added"),
        ("boss", "login link made"),
        ("boss", "role given"),
        ("cli", "account added"),
        ("cli", "account added"),
    ];
    assert_eq!(told, expected);
    assert!(acts.iter().all(|act| !act.payload.to_string().contains("secret")), "not even a hash is in an event");
}
