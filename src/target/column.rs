//! Columns: what a printer needs to know of a field's place in the logs.

use crate::vocabulary::Type;

/// What part of a column a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// All of it.
    Whole,
    /// The last component of a path.
    Name,
    /// What stands behind the last dot of the last component.
    Extension,
    /// A path without its last component.
    Folder,
    /// `user` of `DOMAIN\user`.
    Account,
    /// `DOMAIN` of `DOMAIN\user`.
    Domain,
    /// A number written as `0x…`.
    Hex,
    /// All of a column that the query computes.
    Computed,
    /// An address, of IPv4 where it is one of IPv4 that is written as one of IPv6: `::ffff:10.1.2.3`.
    Address,
}

impl How {
    /// The word in target files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            How::Whole => "column",
            How::Name => "name_of",
            How::Extension => "extension_of",
            How::Folder => "folder_of",
            How::Account => "account_of",
            How::Domain => "domain_of",
            How::Hex => "hex",
            How::Computed => "computed",
            How::Address => "address_of",
        }
    }
}

/// What stands in front of an IPv4 address that is written as one of IPv6, as systems write it.
pub const MAPPED: &str = "::ffff:";

/// A column, or a part of one, as a test reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name in the logs.
    pub name: String,
    /// Which part.
    pub how: How,
    /// A number, or a time, and not text: a missing one is null, not empty.
    pub numeric: bool,
    /// A time; numbers that it is compared with are microseconds since 1970.
    pub time: bool,
}

impl Column {
    /// A whole column.
    #[must_use]
    pub fn whole(name: impl Into<String>, ty: Type) -> Column {
        Column {
            name: name.into(),
            how: How::Whole,
            numeric: matches!(ty, Type::Int | Type::Size | Type::Time),
            time: ty == Type::Time,
        }
    }

    /// A part of a column of text.
    #[must_use]
    pub fn part(name: impl Into<String>, how: How) -> Column {
        Column { name: name.into(), how, numeric: how == How::Hex, time: false }
    }

    /// The same column, all of it.
    #[must_use]
    pub fn to_whole(&self) -> Column {
        Column { name: self.name.clone(), how: How::Whole, numeric: false, time: false }
    }
}
