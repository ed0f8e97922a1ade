//! Settings → flows that are ready to run: clients made, templates compiled, rules translated. Nothing is sent.

use super::intake::{IntakeFlow, WelcomeKit};
use crate::notify::welcome::{WelcomeError, WelcomeTemplates};
use crate::smtp::{SmtpClient, SmtpOptions};
use jiff::SignedDuration;
use rollbook_core::model::Field;
use rollbook_elm::client::{FeedAuth, FeedClient, FeedFields, FeedOptions};
use rollbook_elm::dialect::{DateStyle, Literal, find_dialect};
use rollbook_elm::feed::FeedFormat;
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_remote::database::{Database, DatabaseError, DatabaseOptions};
use rollbook_remote::http::SetupError;
use rollbook_remote::oauth2::ClientCredentials;
use rollbook_settings::IntakeLink;
use rollbook_settings::link::{Intake, WelcomeMode};
use rollbook_settings::service::Mail;
use rollbook_settings::site::{Elm, ElmAuth, Moodle, SiteDatabase};

/// Without a sign of life for so long, a run's lease is anybody's.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Why a flow cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// A client cannot be made.
    #[error("a client cannot be made")]
    Client(#[from] SetupError),
    /// A template cannot be used.
    #[error("the welcome mail cannot be made")]
    Welcome(#[from] WelcomeError),
    /// A site's database cannot be used.
    #[error("a site's database cannot be used")]
    Database(#[from] DatabaseError),
    /// A community has neither an account nor a database to be read by.
    #[error("the community has no [auth] and no [database] to be read by")]
    NoWayIn,
    /// Rollbook shall welcome and has no sender.
    #[error("the link welcomes by itself, and there is no [mail] section")]
    NoMail,
}

/// Makes an intake link ready.
///
/// # Errors
/// [`FlowError`]
pub fn make_intake(found: &IntakeLink<'_>, mail: Option<&Mail>) -> Result<IntakeFlow, FlowError> {
    let IntakeLink { link, elm, moodle } = found;
    Ok(IntakeFlow {
        link: link.name.clone(),
        feed: make_feed(elm)?,
        format: make_format(elm),
        moodle: make_moodle(moodle)?,
        database: moodle.database.as_ref().map(make_database).transpose()?,
        concurrency: usize::try_from(moodle.concurrency).unwrap_or(1),
        policy: link.policy.clone(),
        window: link.window,
        sentinel: moodle.sentinel.clone(),
        waiting_max: link.waiting_max,
        welcome: make_welcome(link, mail)?,
        lease: LEASE,
        limit: None,
    })
}

/// The client of a Moodle.
///
/// # Errors
/// [`SetupError`]
pub fn make_moodle(site: &Moodle) -> Result<MoodleClient, SetupError> {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut options = MoodleOptions::new(site.url.as_str(), site.token.clone());
    options.site = site.name.to_string();
    options.timeout = site.timeout;
    options.concurrency = count(site.concurrency);
    options.batch_max = count(site.batch);
    options.input_vars_max = count(site.input_vars);
    MoodleClient::new(options)
}

/// The reader of a site's database; nothing is asked.
///
/// # Errors
/// [`DatabaseError`]
pub fn make_database(site: &SiteDatabase) -> Result<Database, DatabaseError> {
    let SiteDatabase { url, prefix, connections_max, timeout, engine: _ } = site;
    Database::new(&DatabaseOptions {
        url: url.expose().into(),
        prefix: prefix.clone(),
        connections_max: *connections_max,
        timeout: *timeout,
    })
}

/// The client of an ELM's feed.
///
/// # Errors
/// [`SetupError`]
pub fn make_feed(site: &Elm) -> Result<FeedClient, SetupError> {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut options = FeedOptions::new(site.feed_url.as_str(), String::new().into(), site.timezone.clone());
    options.site = site.name.to_string();
    options.auth = make_elm_auth(&site.auth);
    options.dialect =
        find_dialect(site.dialect).ok_or_else(|| SetupError::new("the feed's dialect", "is not known"))?;
    options.literal = Literal::find(site.literal);
    let name = |field| site.fields.get(field).to_owned();
    options.fields = FeedFields {
        order: format!("{},{} asc", name(Field::StateDate), name(Field::DateCreated)),
        created: name(Field::DateCreated),
        mail: name(Field::Mail),
        guid: name(Field::Guid),
    };
    options.charset.clone_from(&site.charset);
    options.page_size = site.page_size.map(count);
    options.count = site.count;
    options.pages_max = count(site.pages_max);
    options.rows_max = count(site.rows_max);
    options.timeout = site.timeout;
    FeedClient::new(options)
}

/// Who Rollbook is at an ELM.
pub(super) fn make_elm_auth(auth: &ElmAuth) -> FeedAuth {
    match auth.clone() {
        ElmAuth::Header { name, token } => FeedAuth::Header { name, token },
        ElmAuth::Basic { user, password } => FeedAuth::Basic { user, password },
        ElmAuth::OAuth2 { token_url, client_id, client_secret, scope } => {
            FeedAuth::OAuth2(ClientCredentials { token_url, client_id, client_secret, scope })
        }
        ElmAuth::Open => FeedAuth::Open,
    }
}

/// How an ELM's rows are read.
pub fn make_format(site: &Elm) -> FeedFormat {
    FeedFormat {
        names: site.fields.clone(),
        states: site.states.clone(),
        zone: site.timezone.clone(),
        dates: DateStyle::find(site.dates).unwrap_or_default(),
        unusable_share: site.unusable_share,
    }
}

/// The client that sends mail.
///
/// # Errors
/// [`SetupError`]
pub fn make_smtp(mail: &Mail) -> Result<SmtpClient, SetupError> {
    let mut options = SmtpOptions::new(mail.smtp.expose().into());
    options.timeout = mail.timeout;
    options.per_minute = mail.per_minute;
    SmtpClient::new(&options)
}

fn make_welcome(link: &Intake, mail: Option<&Mail>) -> Result<Option<WelcomeKit>, FlowError> {
    if link.welcome.mode != WelcomeMode::Rollbook {
        return Ok(None);
    }
    let mail = mail.ok_or(FlowError::NoMail)?;
    Ok(Some(WelcomeKit {
        templates: WelcomeTemplates::load(link.welcome.templates.as_deref())?,
        from: link.welcome.from.clone().unwrap_or_else(|| mail.from.clone()),
        help_url: link.welcome.help_url.as_ref().map(ToString::to_string).unwrap_or_default(),
        signature: link.welcome.signature.clone(),
    }))
}
