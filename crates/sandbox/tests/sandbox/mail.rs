//! The mail server.

use crate::client::Client;
use rollbook_sandbox::{Fault, Kind, Target, World};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Says the lines one after the other and returns the reply to each; a broken line ends the list.
async fn converse(client: &Client, lines: &[&str]) -> Vec<String> {
    let url = client.sandbox.smtp_url();
    let address = url.strip_prefix("smtp://").expect("a mail address");
    let stream = TcpStream::connect(address).await.expect("a connection");
    let mut stream = BufReader::new(stream);
    let mut replies = Vec::new();
    let mut to_say = lines.iter();
    loop {
        let mut reply = String::new();
        match stream.read_line(&mut reply).await {
            Ok(0) | Err(_) => return replies,
            Ok(_) if reply.as_bytes().get(3) == Some(&b'-') => continue,
            Ok(_) => replies.push(reply.trim_end().to_owned()),
        }
        let Some(line) = to_say.next() else {
            return replies;
        };
        let sent = stream.write_all(format!("{line}\r\n").as_bytes()).await;
        if sent.is_err() {
            return replies;
        }
    }
}

const LETTER: [&str; 6] = [
    "EHLO test",
    "MAIL FROM:<rollbook@example.org> BODY=8BITMIME",
    "RCPT TO:<Operator@example.org>",
    "DATA",
    "Subject: =?utf-8?b?Zm/DtmQ=?= =?utf-8?q?_for_th=C3=B6ught?=\r\nTo: Op <operator@example.org>\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nOne =\r\nline=21\r\n..dotted\r\n.",
    "QUIT",
];

fn codes(replies: &[String]) -> Vec<&str> {
    replies.iter().map(|reply| &reply[..3]).collect()
}

#[tokio::test]
async fn a_mail_is_stored_with_envelope_and_readable_subject() {
    let client = Client::over(World::empty()).await;
    let replies = converse(&client, &LETTER).await;
    assert_eq!(codes(&replies), ["220", "250", "250", "250", "354", "250", "221"]);
    let world = client.sandbox.world();
    let mail = world.mail.to("operator@example.org")[0];
    assert_eq!(mail.from, "rollbook@example.org");
    assert_eq!(mail.subject(), "foöd for thöught");
    assert_eq!(mail.header("to").as_deref(), Some("Op <operator@example.org>"));
    assert_eq!(mail.text(), "One line!\r\n.dotted\r\n");
    assert_eq!(world.mail.about("foöd").len(), 1);
}

#[tokio::test]
async fn recipients_are_refused_for_good_or_for_now() {
    for (kind, code) in [(Kind::RefuseRecipient, "550"), (Kind::Temporary, "451")] {
        let client = Client::over(World::empty()).await;
        client.sandbox.faults().arm(Fault::every(Target::Smtp, kind));
        let replies = converse(&client, &LETTER[..4]).await;
        assert_eq!(codes(&replies), ["220", "250", "250", code, "554"]);
    }
    let mut world = World::empty();
    world.mail.refused.insert("operator@example.org".to_owned());
    let client = Client::over(world).await;
    let replies = converse(&client, &LETTER[..3]).await;
    assert_eq!(codes(&replies), ["220", "250", "250", "550"]);
}

#[tokio::test]
async fn the_line_breaks_after_the_dot_before_or_after_storing() {
    for (kind, stored) in [(Kind::ResetBeforeEffect, 0), (Kind::ResetAfterEffect, 1)] {
        let client = Client::over(World::empty()).await;
        client.sandbox.faults().arm(Fault::nth(Target::Smtp, 1, kind));
        let replies = converse(&client, &LETTER).await;
        assert_eq!(codes(&replies), ["220", "250", "250", "250", "354"]);
        assert_eq!(client.sandbox.world().mail.mails.len(), stored);
    }
}

#[tokio::test]
async fn a_mail_needs_its_commands_in_order_and_the_account_if_there_is_one() {
    let mut world = World::empty();
    world.mail.account = Some(("user".to_owned(), "secret".to_owned()));
    let client = Client::over(world).await;
    let lines = [
        "MAIL FROM:<a@b.c>",
        "EHLO test",
        "MAIL FROM:<a@b.c>",
        "AUTH PLAIN AHVzZXIAd3Jvbmc=",
        "AUTH PLAIN AHVzZXIAc2VjcmV0",
        "MAIL FROM:<a@b.c>",
        "DATA",
        "RSET",
        "RCPT TO:<a@b.c>",
        "NOOP",
        "HUH",
    ];
    let replies = converse(&client, &lines).await;
    assert_eq!(codes(&replies), ["220", "503", "250", "530", "535", "235", "250", "554", "250", "503", "250", "500"]);
}
