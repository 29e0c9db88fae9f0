//! Everybody who may get a place, with what is known at the cut-off.

use std::collections::BTreeMap;

use staycast_advice::worklist::{Candidate, CandidateForecast, Contact, Uplift, WasListed};
use staycast_baselines::RAW_FEATURES;
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{PredictionError, Run, RunError, ScoreRequest, ScoreRow, score, survival_curves};
use staycast_sequences::{CourseRow, CutOff, Dataset, EnrolmentIndex, Selection, SequenceFolder, WeekIndex};

/// Bounds the enrolments in memory at a time, unless one course has more.
const ENROLMENTS_AT_A_TIME: usize = 20_000;

/// Says to whom learners are dealt out.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// All are of one tutor.
    Nobody,
    Course,
    /// A static column of the sequences.
    Column(String),
    /// By enrolment, from a table.
    Table(BTreeMap<String, String>),
}

/// Holds what is known of learners beside the run, by enrolment.
pub(super) struct Besides {
    pub(super) by: By,
    pub(super) contacts: BTreeMap<String, Vec<Contact>>,
    pub(super) before: BTreeMap<String, WasListed>,
    pub(super) uplift: BTreeMap<String, Uplift>,
}

/// Lists the candidates in the order of course and enrolment.
pub(super) fn candidates(
    run: &Run,
    folder: &SequenceFolder,
    week: CutOff,
    courses: Option<&[String]>,
    besides: &Besides,
    device: &ChosenDevice,
) -> Result<Vec<Candidate>, PredictionError> {
    let inputs = run.inputs().ok_or_else(|| RunError::NoModel(run.path().to_owned()))?;
    let mut features = inputs.features();
    features.extend(RAW_FEATURES.map(str::to_owned));
    features.push("days_since_last".to_owned());
    // A feature that the folder lacks is reported when the inputs are bound to the data.
    features.retain(|name| folder.manifest().features.iter().any(|feature| feature.name == *name));
    features.sort_unstable();
    features.dedup();
    let selection =
        Selection { courses: courses.map(<[String]>::to_vec), features: Some(features), weeks: Some(week.count()) };
    let mut found = Vec::new();
    for part in folder.load_parts(&selection, ENROLMENTS_AT_A_TIME)? {
        let data = part?;
        let now = score(run, &data, &ScoreRequest::new(week, device))?;
        let before = CutOff::after_weeks(week.weeks() - 1)
            .filter(|week| run.week_fits().is_some_and(|fits| fits.weeks.contains_key(week)));
        let before = before.map(|week| score(run, &data, &ScoreRequest::new(week, device))).transpose()?;
        let everybody: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
        let curves = survival_curves(run, &data, &everybody, week, device)?;
        for enrolment in everybody {
            let at = enrolment.as_usize();
            let known = Known {
                now: &now[at],
                before: before.as_ref().map(|rows| &rows[at]),
                survival: curves.get(at).map_or(&[], Vec::as_slice),
            };
            found.push(candidate(&data, enrolment, known, besides));
        }
    }
    Ok(found)
}

/// Borrows what the run says of an enrolment.
struct Known<'a> {
    now: &'a ScoreRow,
    before: Option<&'a ScoreRow>,
    survival: &'a [f64],
}

fn candidate(data: &Dataset, enrolment: EnrolmentIndex, known: Known<'_>, besides: &Besides) -> Candidate {
    let (row, course) = (data.enrolment(enrolment), data.course_of(enrolment));
    let seen = course.last_observed().map(|last| last.min(known.now.week));
    let forecast = match (known.now.exclusion, known.now.p_dropout, seen) {
        (Some(exclusion), ..) => Err(exclusion),
        (None, Some(p_dropout), Some(seen)) => Ok(CandidateForecast {
            seen,
            p_dropout,
            p_before: known.before.filter(|_| seen == known.now.week).and_then(|before| before.p_dropout),
            weeks_in_course: whole_weeks(course, row.enrolled_day, seen),
            weeks_left: (course.weeks as u16).saturating_sub(seen.weeks()),
            likely_left_after: known.survival.iter().position(|&here| here < 0.5).map(|week| week as u16 + 1),
            cut_off_day: (!course.nominal_dates)
                .then(|| i64::from(course.start_day) + i64::from(course.week_grid().end_day(seen))),
            uplift: besides.uplift.get(&row.id).copied(),
            has_reason: false,
        }),
        (None, ..) => unreachable!("a score has a probability, of a course that was observed"),
    };
    let column = data.feature("days_since_last");
    let days_since_last = column.zip(seen).map(|(column, seen)| data.week(enrolment, seen.last_week())[column]);
    Candidate {
        course_id: course.id.clone(),
        enrolment_id: row.id.clone(),
        learner_id: row.learner.clone(),
        tutor: match &besides.by {
            By::Nobody => None,
            By::Course => Some(course.id.clone()),
            By::Column(column) => row.statics.get(column).cloned().flatten(),
            By::Table(tutors) => tutors.get(&row.id).cloned(),
        },
        forecast,
        days_since_last: days_since_last.filter(|days| !days.is_nan()).map(f64::from),
        contacts: besides.contacts.get(&row.id).cloned().unwrap_or_default(),
        was_listed: besides.before.get(&row.id).copied(),
    }
}

/// Counts the whole weeks of the course from the enrolment to the cut-off.
fn whole_weeks(course: &CourseRow, enrolled_day: Option<f64>, seen: CutOff) -> u16 {
    let weeks = course.week_grid();
    let first_day = |week: WeekIndex| CutOff::after_weeks(week.position()).map_or(0, |before| weeks.end_day(before));
    let is_whole = |week: &WeekIndex| enrolled_day.is_none_or(|day| day <= f64::from(first_day(*week)));
    seen.weeks_seen().filter(is_whole).count() as u16
}
