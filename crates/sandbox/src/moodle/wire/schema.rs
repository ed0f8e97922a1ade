//! The vocabulary in which each function declares its parameters, and their strict validation: one surplus key, missing
//! key or bad value anywhere fails the whole call before any work.

use serde_json::{Map, Value};

use super::{Exception, Fields, Param};

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    Required,
    /// May be absent and then stays absent.
    Optional,
    /// May be absent and then has this value.
    Default(&'static str),
}

/// What a value may be. Texts differ in what Moodle's cleaning would change: a change is an error.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Int,
    Bool,
    /// Any text.
    Raw,
    /// No surrounding white space.
    Trimmed,
    /// No HTML tags.
    NoTags,
    /// The site's rule for user names.
    Username,
    /// Letters, digits, `-` and `_`.
    Word,
    /// Letters only.
    Letters,
    List(&'static Shape),
    Struct(&'static [Key]),
}

/// One named parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    pub(crate) shape: Shape,
}

pub(crate) const fn required(name: &'static str, shape: Shape) -> Key {
    let need = Need::Required;
    Key { name, need, shape }
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Key {
    let need = Need::Optional;
    Key { name, need, shape }
}

/// A key with a default, written as it would be sent; a list's default is empty whatever the text.
pub(crate) const fn with_default(name: &'static str, shape: Shape, default: &'static str) -> Key {
    let need = Need::Default(default);
    Key { name, need, shape }
}

/// The site settings that decide what a clean value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) extended_username_chars: bool,
}

/// The parameters as typed values: lists as arrays, structures as objects, absent optional keys left out.
pub(crate) fn validate(fields: &Fields, keys: &[Key], rules: Rules) -> Result<Value, Exception> {
    structure(fields, keys, rules)
}

fn structure(fields: &Fields, keys: &[Key], rules: Rules) -> Result<Value, Exception> {
    let mut known = 0;
    let mut clean = Map::new();
    for key in keys {
        let Key { name, need, shape } = *key;
        let value = match (fields.get(name), need) {
            (Some(param), _) => {
                known += 1;
                value(param, shape, rules).map_err(|error| within(name, error))?
            }
            (None, Need::Required) => {
                return Err(Exception::parameter(format!("Missing required key in single structure: {name}")));
            }
            (None, Need::Optional) => continue,
            (None, Need::Default(text)) => default(text, shape, rules)?,
        };
        clean.insert(name.to_owned(), value);
    }
    if known < fields.len() {
        return Err(Exception::parameter(unexpected(fields, keys)));
    }
    Ok(Value::Object(clean))
}

fn unexpected(fields: &Fields, keys: &[Key]) -> String {
    let names = fields.entries().iter().map(|(name, _)| name.as_str());
    let surplus: Vec<&str> = names.filter(|name| !keys.iter().any(|key| key.name == *name)).collect();
    format!("Unexpected keys ({}) detected in parameter array.", surplus.join(", "))
}

fn within(name: &str, error: Exception) -> Exception {
    let inner = error.debug_text().unwrap_or_default().to_owned();
    Exception::parameter(format!("{name} => Invalid parameter value detected: {inner}"))
}

fn default(text: &str, shape: Shape, rules: Rules) -> Result<Value, Exception> {
    match shape {
        Shape::List(_) => Ok(Value::Array(Vec::new())),
        Shape::Struct(keys) => structure(&Fields::default(), keys, rules),
        scalar => value(&Param::Leaf(text.to_owned()), scalar, rules),
    }
}

fn value(param: &Param, shape: Shape, rules: Rules) -> Result<Value, Exception> {
    match (shape, param) {
        (Shape::Struct(keys), Param::Tree(fields)) => structure(fields, keys, rules),
        (Shape::List(inner), Param::Tree(fields)) => {
            let values = fields.entries().iter();
            let clean: Result<Vec<Value>, Exception> = values.map(|(_, param)| value(param, *inner, rules)).collect();
            clean.map(Value::Array)
        }
        (Shape::Struct(_) | Shape::List(_), Param::Leaf(_)) => Err(Exception::parameter("Only arrays accepted.")),
        (_, Param::Tree(_)) => Err(Exception::parameter("Scalar type expected, array or object received.")),
        (scalar, Param::Leaf(text)) => {
            leaf(text, scalar, rules).ok_or_else(|| Exception::parameter("Invalid external api parameter"))
        }
    }
}

/// The typed value, or `None` when Moodle's cleaning would have changed the text.
fn leaf(text: &str, shape: Shape, rules: Rules) -> Option<Value> {
    if text.contains('\0') {
        return None;
    }
    let fits = match shape {
        Shape::Int => {
            let number: i64 = text.parse().ok()?;
            return (number.to_string() == text).then(|| number.into());
        }
        Shape::Bool => {
            return match text {
                "0" => Some(false.into()),
                "1" => Some(true.into()),
                _ => None,
            };
        }
        Shape::Raw => true,
        Shape::Trimmed => text.trim() == text,
        Shape::NoTags => !has_tag(text),
        Shape::Username => valid_username(text, rules.extended_username_chars),
        Shape::Word => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)),
        Shape::Letters => text.bytes().all(|byte| byte.is_ascii_alphabetic()),
        Shape::List(_) | Shape::Struct(_) => false,
    };
    fits.then(|| text.into())
}

/// PHP's `strip_tags` starts a tag at `<` followed by anything but white space.
fn has_tag(text: &str) -> bool {
    let after = text.split('<').skip(1);
    after.into_iter().any(|rest| rest.starts_with(|first: char| !first.is_whitespace()))
}

/// Lower case, no surrounding space; without the site's extension only `-._@a-z0-9`.
pub(crate) fn valid_username(text: &str, extended: bool) -> bool {
    if text.trim() != text || text.to_lowercase() != text {
        return false;
    }
    extended || text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._@".contains(&byte))
}
