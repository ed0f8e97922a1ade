//! The mail client against a server that answers, refuses and vanishes at every step.

use crate::fake::refused_url;
use rollbook_sync::smtp::{Mail, SmtpClient, SmtpError, SmtpOptions};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// What the server says to one command (`.` stands for the end of a content); `None` drops the connection.
type Answers = fn(&str) -> Option<&'static str>;

struct Server {
    url: String,
    /// Every command and, joined, every content, with the number of its connection.
    seen: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Server {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let log = Arc::clone(&log);
                tokio::spawn(serve(stream, connection, answers, log));
            }
        });
        Self { url, seen }
    }

    fn client(&self) -> SmtpClient {
        client(&self.url)
    }

    fn commands(&self) -> Vec<(usize, String)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    stream: tokio::net::TcpStream,
    connection: usize,
    answers: Answers,
    log: Arc<Mutex<Vec<(usize, String)>>>,
) {
    let mut stream = BufReader::new(stream);
    let mut content: Option<String> = None;
    let mut command = "CONNECT".to_owned();
    loop {
        match &mut content {
            Some(text) if command != "." => {
                text.push_str(&command);
                text.push('\n');
            }
            _ => {
                let whole = content.take().unwrap_or_else(|| command.clone());
                log.lock().unwrap().push((connection, whole));
                let Some(reply) = answers(&command) else { return };
                if reply != "silence" && stream.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                    return;
                }
                content = reply.starts_with("354").then(String::new);
            }
        }
        command.clear();
        match stream.read_line(&mut command).await {
            Ok(0) | Err(_) => return,
            Ok(_) => command.truncate(command.trim_end().len()),
        }
    }
}

fn polite(command: &str) -> Option<&'static str> {
    Some(match command.split([' ', ':']).next().unwrap_or_default() {
        "CONNECT" => "220 ready",
        "EHLO" => "250-fake\r\n250 AUTH PLAIN",
        "AUTH" => "235 welcome",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        _ => "250 ok",
    })
}

fn client(url: &str) -> SmtpClient {
    SmtpClient::new(&SmtpOptions { timeout: Duration::from_millis(300), ..SmtpOptions::new(url.into()) }).unwrap()
}

fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        from: "noreply@example.org".to_owned(),
        subject: "Welcome".to_owned(),
        html: Some("<p>Hello</p>".to_owned()),
        text: "Hello".to_owned(),
        message_id: "<1@rollbook>".to_owned(),
        date: jiff::Timestamp::UNIX_EPOCH,
        headers: vec![],
    }
}

#[tokio::test]
async fn several_mails_go_over_one_connection() {
    let server = Server::start(polite).await;
    let client = server.client();
    for to in ["a@example.org", "b@example.org", "c@example.org"] {
        assert_eq!(client.send(&mail(to)).await, Ok(()));
    }
    client.close().await;
    let commands = server.commands();
    assert!(commands.iter().all(|(connection, _)| *connection == 0), "{commands:?}");
    let recipients: Vec<_> =
        commands.iter().filter(|(_, text)| text.starts_with("RCPT")).map(|(_, text)| text.as_str()).collect();
    assert_eq!(recipients, ["RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "RCPT TO:<c@example.org>"]);
    assert_eq!(commands.iter().filter(|(_, text)| text.contains("Message-ID: <1@rollbook>")).count(), 3);
    assert_eq!(commands.last().map(|(_, text)| text.as_str()), Some("QUIT"));
}

#[tokio::test]
async fn a_refused_mail_leaves_the_connection_to_the_next() {
    let server = Server::start(|command| match command {
        "RCPT TO:<gone@example.org>" => Some("550 no such user jane"),
        "RCPT TO:<later@example.org>" => Some("451 greylisted"),
        _ => polite(command),
    })
    .await;
    let client = server.client();
    let refused = client.send(&mail("gone@example.org")).await.unwrap_err();
    assert_eq!(refused.to_string(), "the mail server refused the mail: 550");
    assert!(matches!(&refused, SmtpError::Refused { code: 550, words } if words.as_str().contains("jane")));
    assert!(!format!("{refused:?}").contains("jane") && !refused.is_transient());
    let deferred = client.send(&mail("later@example.org")).await.unwrap_err();
    assert!(matches!(deferred, SmtpError::Deferred { code: 451, .. }) && deferred.is_transient());
    assert_eq!(client.send(&mail("a@example.org")).await, Ok(()));
    assert!(server.commands().iter().all(|(connection, _)| *connection == 0));
}

#[tokio::test]
async fn only_a_loss_after_the_content_leaves_doubt() {
    let cases: [(Answers, &str); 8] = [
        (|command| polite(command).filter(|_| command != "CONNECT"), "NotSent"),
        (|command| polite(command).filter(|_| !command.starts_with("EHLO")), "NotSent"),
        (|command| polite(command).filter(|_| !command.starts_with("RCPT")), "NotSent"),
        (|command| if command == "DATA" { Some("silence") } else { polite(command) }, "NotSent"),
        (|command| polite(command).filter(|_| command != "."), "Unknown"),
        (|command| if command == "." { Some("silence") } else { polite(command) }, "Unknown"),
        (|command| if command == "." { Some("552 too big") } else { polite(command) }, "Refused"),
        (|command| if command == "CONNECT" { Some("554 go away") } else { polite(command) }, "Denied"),
    ];
    for (index, (answers, name)) in cases.into_iter().enumerate() {
        let server = Server::start(answers).await;
        let error = server.client().send(&mail("a@example.org")).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{index}: {error:?}");
        let contents = server.commands().iter().filter(|(_, text)| text.contains("Message-ID")).count();
        assert!(contents <= 1, "{index}: the content went out {contents} times");
    }
}

#[tokio::test]
async fn nobody_listening_is_not_sent() {
    let url = refused_url().await.replace("http", "smtp");
    let error = client(&url).send(&mail("a@example.org")).await.unwrap_err();
    assert!(matches!(error, SmtpError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_about_us_and_not_about_the_mail() {
    let server =
        Server::start(|command| if command.starts_with("AUTH") { Some("535 wrong") } else { polite(command) }).await;
    let url = server.url.replace("smtp://", "smtp://user:hunter2@");
    let error = client(&url).send(&mail("a@example.org")).await.unwrap_err();
    assert!(matches!(error, SmtpError::Denied { code: 535, .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_closed_between_mails_is_replaced() {
    let server = Server::start(|command| polite(command).filter(|_| command != "NOOP")).await;
    let client = server.client();
    assert_eq!(client.send(&mail("a@example.org")).await, Ok(()));
    assert_eq!(client.send(&mail("b@example.org")).await, Ok(()));
    assert_eq!(server.commands().last().map(|(connection, _)| *connection), Some(1));
}
