//! `[server.oidc]`: single sign-on with OpenID Connect.
//!
//! Next: the module `web`, which sends people there.

use crate::kind::{Choice, List, Text, Web};
use crate::read::Section;
use reqwest::Url;
use secrecy::SecretString;

/// Single sign-on.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// The issuer, as its discovery document names it.
    pub issuer: Url,
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretString,
    /// The scopes that are asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim whose values give a role.
    pub claim: String,
    /// Which value gives which role; nobody else gets in. The highest counts.
    pub roles: Vec<(String, RoleName)>,
}

/// What an account may do; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleName {
    /// Sees everything.
    Viewer,
    /// Runs, retries and resolves.
    Operator,
    /// Approves plans.
    Approver,
    /// Has accounts, tokens and the pause.
    Administrator,
}

impl RoleName {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Administrator];

    /// The word that is written and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }

    /// The role of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// The roles by their words.
const ROLES: Choice<RoleName> = Choice(&[
    ("viewer", RoleName::Viewer),
    ("operator", RoleName::Operator),
    ("approver", RoleName::Approver),
    ("administrator", RoleName::Administrator),
]);

pub(super) fn read(section: &mut Section<'_>) -> Option<Oidc> {
    let issuer = section.required("issuer", Web);
    let client_id = section.required("client_id", Text(200));
    let client_secret = section.secret("client_secret");
    let scopes = section.or("scopes", ["profile", "email"], List(Text(100), 20));
    let claim = section.or("claim", "groups", Text(200));
    let roles = section.each("role", |section| {
        let value = section.required("value", Text(200));
        let role = section.required("role", ROLES);
        Some((value?, role?))
    });
    Some(Oidc { issuer: issuer?, client_id: client_id?, client_secret: client_secret?, scopes, claim, roles })
}
