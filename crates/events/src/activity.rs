//! The vocabulary of activities: what kind of thing a learner did.
//!
//! Every reader maps its format's own kinds to these in one table, so that a model trained on one platform's log can
//! be asked about another's.

use std::fmt;
use std::str::FromStr;

macro_rules! activities {
    ($($variant:ident, $name:literal, $meaning:literal;)*) => {
        /// Names the kind of an event, the same for every source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Activity { $(#[doc = $meaning] $variant,)* }

        impl Activity {
            /// Lists every activity, in the order of the `n_<activity>` columns.
            pub const ALL: [Self; [$(Self::$variant),*].len()] = [$(Self::$variant),*];

            /// Returns the name used in column names, mappings and manifests.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Describes what counts as this activity.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

activities! {
    Access, "access", "opening course content other than videos and problems";
    Navigate, "navigate", "moving through the course";
    Video, "video", "watching or steering a video";
    Problem, "problem", "working on a problem or quiz";
    Discussion, "discussion", "reading the forum";
    Post, "post", "writing in the forum";
    Wiki, "wiki", "the course wiki or glossary";
    Submission, "submission", "handing in an assignment";
    Download, "download", "downloading material";
    Live, "live", "taking part in a live session";
    Login, "login", "logging in";
    PageClose, "page_close", "closing a page";
    Other, "other", "anything else the source records";
}

impl Activity {
    /// Lists the activities that are about the course's content, and not about finding it: what a learner opens, watches, answers
    /// or writes in.
    pub const CONTENT: [Self; 9] = [
        Self::Access,
        Self::Video,
        Self::Problem,
        Self::Discussion,
        Self::Post,
        Self::Wiki,
        Self::Submission,
        Self::Download,
        Self::Live,
    ];
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Holds a name that is not in the vocabulary of activities.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an activity; the activities are {list}", list = names())]
pub struct UnknownActivity(String);

fn names() -> String {
    Activity::ALL.map(Activity::name).join(", ")
}

impl FromStr for Activity {
    type Err = UnknownActivity;

    fn from_str(name: &str) -> Result<Self, UnknownActivity> {
        Self::ALL.into_iter().find(|activity| activity.name() == name).ok_or_else(|| UnknownActivity(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for activity in Activity::ALL {
            assert_eq!(activity.name().parse(), Ok(activity));
        }
        assert!("nagivate".parse::<Activity>().is_err());
    }
}
