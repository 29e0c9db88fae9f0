//! Everybody who may get a place, with what is known at the cut-off.

use std::collections::BTreeMap;

use staycast_advice::worklist::{Candidate, CandidateForecast, Contact, Uplift, WasListed};
use staycast_baselines::RAW_FEATURES;
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{PredictionError, Run, RunError, ScoreRequest, ScoreRow, forecastable, score, survival_curves};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, Selection, SequenceFolder, whole_weeks};

/// Bounds the enrolments in memory at a time, unless one course has more.
const ENROLMENTS_AT_A_TIME: usize = 20_000;

/// Counts the days after the cut-off up to which contacts count: a list is made some days after the week.
const CONTACTS_AFTER: i64 = 7;

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
        let mut known: Vec<KnownBesides> = vec![KnownBesides::default(); now.len()];
        // Where a course still runs, its forecast rests on fewer weeks than were asked for.
        let mut by_weeks: BTreeMap<CutOff, Vec<EnrolmentIndex>> = BTreeMap::new();
        for one in forecastable(run, &data, week)? {
            by_weeks.entry(one.seen).or_default().push(one.enrolment);
        }
        for (seen, enrolments) in by_weeks {
            let curves = survival_curves(run, &data, &enrolments, seen, device)?;
            let before = CutOff::after_weeks(seen.weeks() - 1)
                .filter(|week| run.week_fits().is_some_and(|fits| fits.weeks.contains_key(week)));
            let before = before.map(|week| score(run, &data, &ScoreRequest::new(week, device))).transpose()?;
            for at in enrolments.into_iter().map(EnrolmentIndex::as_usize) {
                known[at] = KnownBesides {
                    seen: Some(seen),
                    p_before: before.as_ref().and_then(|rows| rows[at].p_dropout),
                    // The first week after which having left is likelier than not.
                    likely_left_after: curves
                        .get(at)
                        .and_then(|curve| curve.iter().position(|&here| here < 0.5))
                        .map(|week| week as u16 + 1),
                };
            }
        }
        for (enrolment, (now, known)) in data.enrolment_indices().zip(now.iter().zip(&known)) {
            found.push(candidate(&data, enrolment, now, known, besides));
        }
    }
    Ok(found)
}

/// Holds what the run says of an enrolment beside its score.
#[derive(Clone, Default)]
struct KnownBesides {
    /// The weeks that the forecast rests on; `None` without a forecast.
    seen: Option<CutOff>,
    p_before: Option<f64>,
    likely_left_after: Option<u16>,
}

fn candidate(
    data: &Dataset,
    enrolment: EnrolmentIndex,
    now: &ScoreRow,
    known: &KnownBesides,
    besides: &Besides,
) -> Candidate {
    let (row, course) = (data.enrolment(enrolment), data.course_of(enrolment));
    let cut_off_day = |seen: CutOff| {
        let day = i64::from(course.start_day) + i64::from(course.week_grid().end_day(seen));
        (!course.nominal_dates).then_some(day)
    };
    let forecast = match (now.exclusion, now.p_dropout, known.seen) {
        (Some(exclusion), ..) => Err(exclusion),
        (None, Some(p_dropout), Some(seen)) => Ok(CandidateForecast {
            seen,
            p_dropout,
            p_before: known.p_before,
            weeks_in_course: whole_weeks(data, enrolment, seen).count() as u16,
            weeks_left: (course.weeks as u16).saturating_sub(seen.weeks()),
            likely_left_after: known.likely_left_after,
            cut_off_day: cut_off_day(seen),
            uplift: besides.uplift.get(&row.id).copied(),
            reason_size: None,
        }),
        (None, ..) => unreachable!("a score has a probability, of a course that was observed"),
    };
    let column = data.feature("days_since_last");
    let last = known.seen.map(CutOff::last_week);
    let days_since_last = column.zip(last).map(|(column, last)| data.week(enrolment, last)[column]);
    let mut contacts = besides.contacts.get(&row.id).cloned().unwrap_or_default();
    if let Some(day) = known.seen.and_then(cut_off_day) {
        // What came later is not known when the list is made.
        contacts.retain(|contact| contact.day <= day + CONTACTS_AFTER);
    }
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
        trained_on: now.trained_on,
        days_since_last: days_since_last.filter(|days| !days.is_nan()).map(f64::from),
        contacts,
        was_listed: besides.before.get(&row.id).copied(),
    }
}
