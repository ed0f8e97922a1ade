//! The vocabulary in which each function declares its parameters.

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
