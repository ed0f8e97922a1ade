//! The mail server: does it answer, and does it take the password.

use super::{Chart, Check};
use crate::flows::setup::make_smtp;
use rollbook_settings::service::Mail;

/// Examines the mail server; no mail is sent.
pub async fn examine_mail(mail: &Mail) -> Vec<Check> {
    let mut chart = Chart::new("mail");
    match make_smtp(mail) {
        Err(error) => chart.bad("settings", error.to_string(), "check [mail] smtp"),
        Ok(client) => match client.greet().await {
            Ok(()) => chart.good("server", "answers, and takes the log-in"),
            Err(error) => {
                chart.bad("server", error.to_string(), "check [mail] smtp, and that this machine may reach it")
            }
        },
    }
    chart.into_checks()
}
