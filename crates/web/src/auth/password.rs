//! Passwords: argon2id, two at a time, and as slow for an account that does not exist as for one that does.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{LazyLock, Mutex, PoisonError};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// A password has at least so many characters.
pub const CHARACTERS_MIN: usize = 12;
/// More bytes would only cost time.
pub const BYTES_MAX: usize = 1024;
/// So many characters of a password differ from each other.
const DIFFERENT_MIN: usize = 5;

/// Each takes 19 MiB and a core for a moment: others are queued.
static WORKERS: Semaphore = Semaphore::const_new(2);

/// The workers' memory, used again: allocated anew in one thread after another, it would stay with the allocator in each.
static MEMORY: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// What is compared with where there is no account, so that the time tells nothing.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash("a password that nobody has"));

/// The beginnings of passwords that are tried first, in small letters: who needs twelve characters appends some.
const COMMON: [&str; 24] = [
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "passwort",
    "qwerty",
    "qwertz",
    "azerty",
    "asdfgh",
    "letmein",
    "welcome",
    "iloveyou",
    "changeme",
    "administrator",
    "admin",
    "rollbook",
    "moodle",
    "drupal",
    "123456",
    "abcdef",
    "monkey",
    "dragon",
    "sunshine",
    "football",
];

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has at least {CHARACTERS_MIN} characters")]
    TooShort,
    #[error("a password has at most {BYTES_MAX} bytes")]
    TooLong,
    #[error("this password is too easy to guess: use several words, or let a password manager make one")]
    Common,
}

/// Hashes a new password.
pub async fn hash_password(password: String) -> Result<String, PasswordError> {
    if password.chars().count() < CHARACTERS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    if is_common(&password) {
        return Err(PasswordError::Common);
    }
    Ok(work(move || hash(&password)).await)
}

/// Whether it is one that is tried first: a common word with a few characters after it, or few different characters.
fn is_common(password: &str) -> bool {
    let folded = password.trim().to_lowercase();
    let mut letters: Vec<char> = folded.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let word = COMMON.iter().filter_map(|word| folded.strip_prefix(word)).map(|rest| rest.chars().count()).min();
    letters.len() < DIFFERENT_MIN || word.is_some_and(|rest| rest <= 8)
}

/// Whether the password is the one of this hash. Without a hash it is not, after as long a time.
pub async fn verify_password(password: String, hash: Option<String>) -> bool {
    if password.len() > BYTES_MAX {
        return false;
    }
    let is_known = hash.is_some();
    let is_right = work(move || {
        let hash = hash.unwrap_or_else(|| NOBODYS.clone());
        verify(&password, &hash).unwrap_or(false)
    });
    is_right.await && is_known
}

fn hash(password: &str) -> String {
    let (params, salt) = (Params::default(), Salt::generate());
    let output = derive(password, &salt, Algorithm::default(), Version::default(), params.clone());
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(&params).expect("the default parameters are sound"),
        salt: Some(salt),
        hash: output.and_then(|output| Output::new(&output).ok()),
    };
    hash.to_string()
}

/// `None` where the hash cannot be read.
fn verify(password: &str, hash: &str) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let known = hash.hash?;
    let derived = derive(password, &hash.salt?, algorithm, version, params)?;
    Some(derived.ct_eq(known.as_bytes()).into())
}

fn derive(password: &str, salt: &[u8], algorithm: Algorithm, version: Version, params: Params) -> Option<Vec<u8>> {
    let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let taken = MEMORY.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut memory = taken.unwrap_or_default();
    memory.resize(memory.len().max(params.block_count()), Block::default());
    let argon2 = Argon2::new(algorithm, version, params);
    let derived = argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory);
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    derived.ok().map(|()| output)
}

async fn work<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    let _permit = WORKERS.acquire().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(job).await.expect("hashing does not panic, and its task is not aborted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordHasher, PasswordVerifier};

    #[tokio::test]
    async fn password_fits_its_own_hash_only() {
        let hashed = hash_password("correct horse battery".to_owned()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify_password("correct horse battery".to_owned(), Some(hashed.clone())).await);
        assert!(!verify_password("correct horse".to_owned(), Some(hashed)).await);
        assert!(!verify_password("a password that nobody has".to_owned(), None).await);
        assert!(!verify_password("correct horse battery".to_owned(), Some("no hash".to_owned())).await);
        assert_eq!(hash_password("short".to_owned()).await, Err(PasswordError::TooShort));
        assert_eq!(hash_password("x".repeat(2_000)).await, Err(PasswordError::TooLong));
    }

    #[test]
    fn hash_is_the_one_that_the_crate_itself_makes_and_verifies() {
        let theirs = Argon2::default().hash_password(b"correct horse battery").unwrap().to_string();
        assert_eq!(verify("correct horse battery", &theirs), Some(true));
        assert_eq!(verify("correct horse batterz", &theirs), Some(false));
        let ours = hash("correct horse battery");
        assert!(Argon2::default().verify_password(b"correct horse battery", ours.as_str()).is_ok());
    }

    #[test]
    fn memory_is_used_again() {
        let hashed = hash("correct horse battery");
        for _ in 0..5 {
            assert_eq!(verify("correct horse battery", &hashed), Some(true));
        }
        // Other tests of this process use it at the same time, two at most and this one.
        assert!((1..=4).contains(&MEMORY.lock().unwrap().len()));
    }

    #[test]
    fn passwords_that_are_tried_first_are_refused() {
        for password in
            ["password1234", "            ", "Password2026!", "aaaaaaaaaaaa", "qwertyuiop12", "admin-admin-1"]
        {
            assert!(is_common(password), "{password:?}");
        }
        for password in ["correct horse battery", "passwordless entry is for the guild", "Xk3-pPq9_vw2"] {
            assert!(!is_common(password), "{password:?}");
        }
    }
}
