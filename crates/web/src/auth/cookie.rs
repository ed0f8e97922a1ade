//! The cookies of the pages. All are `HttpOnly` and `SameSite=Lax`, and `Secure` wherever the way to the browser is not this
//! machine's own loopback.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie as RawCookie, CookieJar, SameSite};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::time::Duration;

/// A cookie's name, without the prefix that a secure one gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    Session,
    /// Before the login: whose login form it is.
    LoginAttempt,
    /// What the next page shows about the last action.
    Flash,
    Theme,
    /// A sign-on that is under way.
    SignOn,
}

impl Cookie {
    fn name(self, is_secure: bool) -> String {
        let name = match self {
            Self::Session => "session",
            Self::LoginAttempt => "login-attempt",
            Self::Flash => "flash",
            Self::Theme => "theme",
            Self::SignOn => "sign-on",
        };
        // A browser takes a cookie of this prefix only from this very host, over TLS.
        let prefix = if is_secure { "__Host-" } else { "" };
        format!("{prefix}rollbook-{name}")
    }

    /// Its value in a request.
    pub fn read(self, headers: &HeaderMap, is_secure: bool) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        let value = jar.get(&self.name(is_secure))?.value();
        percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
    }

    /// The header that sets it; it ends with the browser's session where `lifetime` is none.
    pub fn set(self, value: &str, lifetime: Option<Duration>, is_secure: bool) -> (HeaderName, HeaderValue) {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let mut cookie = RawCookie::build((self.name(is_secure), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(is_secure)
            .build();
        if let Some(lifetime) = lifetime {
            cookie.set_max_age(lifetime.try_into().ok());
        }
        let value = HeaderValue::from_str(&cookie.to_string()).expect("percent-encoded text fits into a header");
        (header::SET_COOKIE, value)
    }

    /// The header that removes it.
    pub fn clear(self, is_secure: bool) -> (HeaderName, HeaderValue) {
        self.set("", Some(Duration::ZERO), is_secure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_comes_back_as_it_was_set_and_a_plain_one_is_none_of_a_secure_site() {
        for is_secure in [true, false] {
            let (_, set) = Cookie::Flash.set("done; é=1", None, is_secure);
            let set = set.to_str().unwrap();
            assert_eq!(set.contains("Secure"), is_secure);
            assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
            let mut headers = HeaderMap::new();
            let pair = format!("other=1; {}", set.split(';').next().unwrap());
            headers.insert(header::COOKIE, HeaderValue::from_str(&pair).unwrap());
            assert_eq!(Cookie::Flash.read(&headers, is_secure).as_deref(), Some("done; é=1"));
            assert_eq!(Cookie::Flash.read(&headers, !is_secure), None);
        }
        let (_, cleared) = Cookie::Theme.clear(true);
        assert!(cleared.to_str().unwrap().contains("Max-Age=0"));
    }
}
