use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Says why an enrolment has no forecast at a cut-off, or why its forecast is not judged there.
///
/// Serialises as its [`name`](Exclusion::name), as files carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Neither enrolled nor seen before the cut-off.
    NotYetKnown,
    /// The course, or the enrolment, leaves no whole observed week before the cut-off.
    NotEnoughData,
    /// The course had not started when the log was taken.
    CourseNotStarted,
    /// The learner withdrew before the cut-off, which is known and needs no forecast.
    Withdrawn,
    /// It is not known, or not yet, whether the learner dropped out.
    LabelUnknown,
    /// The course has fewer weeks.
    CourseTooShort,
    /// The weeks were not over when the log was taken, so that a forecast can't be judged.
    WeeksNotOver,
    /// The cut-off lies in the window that the label is read from.
    InsideLabelWindow,
    /// The run has no forecast after so many weeks.
    WeekNotForecast,
    /// The run was trained on another enrolment of the same learner.
    LearnerInTraining,
}

/// Names the status, in files, of an enrolment that has a forecast: it stands where others have an [`Exclusion::name`].
pub const SCORED: &str = "scored";

impl Exclusion {
    /// Lists every exclusion.
    pub const ALL: [Self; 10] = [
        Self::NotYetKnown,
        Self::NotEnoughData,
        Self::CourseNotStarted,
        Self::Withdrawn,
        Self::LabelUnknown,
        Self::CourseTooShort,
        Self::WeeksNotOver,
        Self::InsideLabelWindow,
        Self::WeekNotForecast,
        Self::LearnerInTraining,
    ];

    /// Returns the name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotYetKnown => "not_yet_known",
            Self::NotEnoughData => "not_enough_data",
            Self::CourseNotStarted => "course_not_started",
            Self::Withdrawn => "withdrawn",
            Self::LabelUnknown => "label_unknown",
            Self::CourseTooShort => "course_too_short",
            Self::WeeksNotOver => "weeks_not_over",
            Self::InsideLabelWindow => "inside_label_window",
            Self::WeekNotForecast => "week_not_forecast",
            Self::LearnerInTraining => "learner_in_training",
        }
    }

    /// Describes the exclusion for reports.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NotYetKnown => "not yet enrolled or seen at the cut-off",
            Self::NotEnoughData => "no whole observed week before the cut-off",
            Self::CourseNotStarted => "the course had not started",
            Self::Withdrawn => "already withdrawn",
            Self::LabelUnknown => "outcome not known",
            Self::CourseTooShort => "the course has fewer weeks",
            Self::WeeksNotOver => "the weeks were not over when the log was taken",
            Self::InsideLabelWindow => "the week lies in the window that the outcome is read from",
            Self::WeekNotForecast => "the run has no forecast at that week",
            Self::LearnerInTraining => "the learner was trained on, in another course",
        }
    }
}

/// Returns the status of an enrolment as files have it: [`SCORED`], or the name of the exclusion.
#[must_use]
pub fn status(exclusion: Option<Exclusion>) -> &'static str {
    exclusion.map_or(SCORED, Exclusion::name)
}

/// Serialises an exclusion as the [`status`] of an enrolment.
///
/// # Errors
/// When the serializer does.
pub fn serialize_status<S: Serializer>(exclusion: &Option<Exclusion>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status(*exclusion))
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_carry_the_names() {
        for exclusion in Exclusion::ALL {
            let text = serde_json::to_string(&exclusion).expect("a name");
            assert_eq!(text, format!("\"{exclusion}\""));
            assert_eq!(serde_json::from_str::<Exclusion>(&text).expect("the name"), exclusion);
        }
    }
}
