//! One SMTP conversation (RFC 5321, with AUTH, 8BITMIME and SMTPUTF8).

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::faults::{FaultPoint, HOLD_MAX, Kind, Plan, Target};
use crate::server::Shared;
use crate::server::form::base64;

/// Talks until the client quits or the line breaks.
pub(super) async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let point = FaultPoint::SmtpConnection;
    let plan = shared.faults.next(Target::Smtp, "smtp", point);
    if plan.kind.is_some() {
        reset(&stream);
        return;
    }
    // Replies must not wait for the client's acknowledgement; a failure only costs time.
    let _slower = stream.set_nodelay(true);
    let mut session =
        Session { stream: BufReader::new(stream), shared, greeted: false, authenticated: false, mail: None };
    // An error is the client's hanging up, or a fault's doing the same.
    let _hung_up = session.run().await;
}

fn reset(stream: &TcpStream) {
    // Without it the peer sees an orderly end instead; nothing else to do about it.
    let _orderly = stream.set_zero_linger();
}

struct Session {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    greeted: bool,
    authenticated: bool,
    mail: Option<Envelope>,
}

struct Envelope {
    from: String,
    to: Vec<String>,
    plan: Plan,
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        self.say("220 sandbox ESMTP").await?;
        loop {
            let line = self.line().await?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.ehlo().await?,
                "HELO" => {
                    self.greeted = true;
                    self.say("250 sandbox").await?;
                }
                "AUTH" => self.auth(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.rcpt(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.mail = None;
                    self.say("250 Reset").await?;
                }
                "NOOP" => self.say("250 Fine").await?,
                "VRFY" => self.say("252 Try it").await?,
                "QUIT" => return self.say("221 Bye").await,
                _ => self.say("500 Unknown command").await?,
            }
        }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    /// A line without its line end. A bare line feed ends the conversation: it is a smuggler's tool.
    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        let whole = line.strip_suffix(b"\r\n").map(<[u8]>::to_vec);
        whole.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    async fn ehlo(&mut self) -> io::Result<()> {
        self.greeted = true;
        self.mail = None;
        self.say("250-sandbox\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 20971520").await
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let text = match initial {
                    "" => self.ask("").await?,
                    initial => base64(initial.as_bytes()),
                };
                let mut parts = text.split(|&byte| byte == 0).skip(1);
                (parts.next().map(<[u8]>::to_vec), parts.next().map(<[u8]>::to_vec))
            }
            "LOGIN" => {
                let name = self.ask("VXNlcm5hbWU6").await?;
                (Some(name), Some(self.ask("UGFzc3dvcmQ6").await?))
            }
            _ => return self.say("504 Unknown mechanism").await,
        };
        let fits = {
            let world = self.shared.world();
            match (&world.mail.account, given) {
                (None, _) => true,
                (Some((name, password)), (Some(given_name), Some(given_password))) => {
                    name.as_bytes() == given_name && password.as_bytes() == given_password
                }
                _ => false,
            }
        };
        self.authenticated = fits;
        let reply = if fits { "235 Welcome" } else { "535 Wrong name or password" };
        self.say(reply).await
    }

    async fn ask(&mut self, prompt: &str) -> io::Result<Vec<u8>> {
        self.say(&format!("334 {prompt}")).await?;
        Ok(base64(&self.line().await?))
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        if !self.greeted || self.mail.is_some() {
            return self.say("503 Bad sequence of commands").await;
        }
        let closed = self.shared.world().mail.account.is_some();
        if closed && !self.authenticated {
            return self.say("530 Authentication required").await;
        }
        let Some(from) = address(rest, "FROM:") else {
            return self.say("501 MAIL FROM:<address>").await;
        };
        self.shared.calls.note("smtp", 1);
        let plan = self.shared.faults.next(Target::Smtp, "smtp", FaultPoint::SmtpMail);
        let to = Vec::new();
        self.mail = Some(Envelope { from, to, plan });
        self.say("250 Sender fine").await
    }

    async fn rcpt(&mut self, rest: &str) -> io::Result<()> {
        let Some(mail) = &mut self.mail else {
            return self.say("503 Bad sequence of commands").await;
        };
        let reply = match address(rest, "TO:") {
            None => "501 RCPT TO:<address>",
            Some(to) if self.shared.world().mail.refused.contains(&to.to_lowercase()) => "550 No such mailbox",
            Some(_) if mail.plan.kind == Some(Kind::RefuseRecipient) => "550 No such mailbox",
            Some(_) if mail.plan.kind == Some(Kind::Temporary) => "451 Try again later",
            Some(to) => {
                mail.to.push(to);
                "250 Recipient fine"
            }
        };
        self.say(reply).await
    }

    async fn data(&mut self) -> io::Result<()> {
        match &self.mail {
            None => return self.say("503 Bad sequence of commands").await,
            Some(mail) if mail.to.is_empty() => return self.say("554 No valid recipients").await,
            Some(_) => self.say("354 End with a dot on its own").await?,
        }
        let mut raw = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b"." {
                break;
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            raw.extend_from_slice(b"\r\n");
        }
        match self.mail.take() {
            Some(envelope) => self.finish(envelope, raw).await,
            None => Ok(()),
        }
    }

    /// The moment after the dot: what was armed happens before or after the mail is stored.
    async fn finish(&mut self, envelope: Envelope, raw: Vec<u8>) -> io::Result<()> {
        tokio::time::sleep(envelope.plan.slow()).await;
        match envelope.plan.kind {
            Some(Kind::ResetBeforeEffect) => return self.break_off(),
            Some(Kind::TimeoutBeforeEffect) => return self.wait_for_the_client_to_leave().await,
            Some(Kind::HttpBeforeEffect(code)) => {
                return self.say(&format!("{code} Not accepted")).await;
            }
            _ => {}
        }
        {
            let mut world = self.shared.world();
            let now = world.now();
            world.mail.receive(&envelope.from, &envelope.to, raw, now);
        }
        match envelope.plan.kind {
            Some(Kind::ResetAfterEffect) => self.break_off(),
            Some(Kind::TimeoutAfterEffect) => self.wait_for_the_client_to_leave().await,
            Some(Kind::HttpAfterEffect(code)) => self.say(&format!("{code} Lost")).await,
            _ => self.say("250 Stored").await,
        }
    }

    fn break_off(&mut self) -> io::Result<()> {
        reset(self.stream.get_ref());
        Err(io::ErrorKind::ConnectionReset.into())
    }

    /// Waits until the client gives up.
    async fn wait_for_the_client_to_leave(&mut self) -> io::Result<()> {
        let mut nothing = Vec::new();
        let gone = self.stream.read_until(b'\n', &mut nothing);
        let _given_up = tokio::time::timeout(HOLD_MAX, gone).await;
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// The address in `FROM:<a@b> BODY=8BITMIME`.
fn address(rest: &str, keyword: &str) -> Option<String> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, _options) = rest[keyword.len()..].trim().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}
