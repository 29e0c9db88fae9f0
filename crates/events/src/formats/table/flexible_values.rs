//! Values that a mapping may write in more than one way: one or several, short or in full.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::kind::Detail;

/// Holds strings: one, or a list of them.
#[derive(Debug)]
pub(super) struct StringList(pub(super) Vec<String>);

/// Names columns: by the name of one, a list of names, or a table that says more.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnsInFull {
    #[serde(deserialize_with = "strings")]
    pub(super) columns: Vec<String>,
    /// Signs at the first of which a column's text is cut off.
    #[serde(default)]
    pub(super) until: String,
    /// Whether they hold whole numbers, of which some files have `5.0` for `5`.
    #[serde(default)]
    pub(super) numbers: bool,
}

/// Holds [`ColumnsInFull`], in any of the ways it may be written.
#[derive(Debug)]
pub(super) struct ColumnsSpec(pub(super) ColumnsInFull);

/// Names the activity and detail of a kind, in full.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindInFull {
    /// A name of the vocabulary.
    pub(super) activity: String,
    /// The detail it tells beyond that.
    #[serde(default)]
    pub(super) detail: DetailName,
    /// The kind's name in columns and manifests; the key when not given.
    pub(super) name: Option<String>,
}

/// Holds [`KindInFull`], or only the activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KindSpec(pub(super) KindInFull);

/// Counts the seconds added to times, written `+08:00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift(pub(super) i64);

/// Names a [`Detail`] as mappings write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DetailName {
    #[default]
    Nothing,
    Attempt,
    AttemptRight,
    AttemptWrong,
    VideoPlayed,
    Post,
    Response,
    Comment,
    UpvoteGiven,
    UpvoteReceived,
    DownvoteGiven,
    DownvoteReceived,
    TextbookPage,
}

impl DetailName {
    pub(super) const fn detail(self) -> Detail {
        match self {
            Self::Nothing => Detail::Nothing,
            Self::Attempt => Detail::Attempt,
            Self::AttemptRight => Detail::AttemptRight,
            Self::AttemptWrong => Detail::AttemptWrong,
            Self::VideoPlayed => Detail::VideoPlayed,
            Self::Post => Detail::Post,
            Self::Response => Detail::Response,
            Self::Comment => Detail::Comment,
            Self::UpvoteGiven => Detail::UpvoteGiven,
            Self::UpvoteReceived => Detail::UpvoteReceived,
            Self::DownvoteGiven => Detail::DownvoteGiven,
            Self::DownvoteReceived => Detail::DownvoteReceived,
            Self::TextbookPage => Detail::TextbookPage,
        }
    }
}

/// Reads strings, one or a list of them.
pub(super) fn strings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    StringList::deserialize(deserializer).map(|StringList(list)| list)
}

impl<'de> Deserialize<'de> for StringList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = StringList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or a list of words")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<StringList, E> {
                Ok(StringList(vec![word.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<StringList, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(StringList)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for ColumnsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = ColumnsSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column, a list of columns, or a table with `columns`")
            }

            fn visit_str<E: de::Error>(self, column: &str) -> Result<ColumnsSpec, E> {
                Ok(ColumnsSpec(ColumnsInFull { columns: vec![column.to_owned()], ..ColumnsInFull::default() }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<ColumnsSpec, A::Error> {
                let columns = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
                Ok(ColumnsSpec(ColumnsInFull { columns, ..ColumnsInFull::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnsSpec, A::Error> {
                ColumnsInFull::deserialize(MapAccessDeserializer::new(map)).map(ColumnsSpec)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for KindSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = KindSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an activity, or a table with `activity`, `detail` and `name`")
            }

            fn visit_str<E: de::Error>(self, activity: &str) -> Result<KindSpec, E> {
                let activity = activity.to_owned();
                Ok(KindSpec(KindInFull { activity, detail: DetailName::Nothing, name: None }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KindSpec, A::Error> {
                KindInFull::deserialize(MapAccessDeserializer::new(map)).map(KindSpec)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A time at that offset lies before the same time at none by what is to be added.
        let there = format!("1970-01-01T00:00:00{text}");
        let seconds = crate::time::parse_instant(there.as_bytes()).filter(|_| text.starts_with(['+', '-']));
        seconds
            .map(|seconds| Self(-seconds))
            .ok_or_else(|| de::Error::custom(format!("`{text}` is not hours and minutes such as `+08:00`")))
    }
}
