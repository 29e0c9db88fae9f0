//! Explanations of everybody who is asked for, read and computed part by part.

use std::collections::{BTreeMap, BTreeSet};

use staycast_advice::reasons::{
    Behaviour, BehaviourEffect, Compared, CourseLoss, CourseNorms, ExplainedLearner, FIGURE_FEATURES, LearnerRow,
    read_behaviours,
};
use staycast_baselines::RAW_FEATURES;
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{
    Detail, ExplainRequest, Explanation, Forecastable, Importance, ImportanceRequest, Inputs, PredictionError,
    Reference, Run, RunError, ScoreRequest, ScoreRow, Source, explain, forecastable, importance, score,
};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, Selection, SequenceFolder};

/// Bounds the enrolments in memory at a time, unless one course has more.
const ENROLMENTS_AT_A_TIME: usize = 20_000;
/// Bounds the learners of a course whose inputs are dealt out for the importance of behaviours.
const MOST_FOR_IMPORTANCE: usize = 1_000;
const IMPORTANCE_SEED: u64 = 1;

/// Says who is to be explained, and how.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) week: CutOff,
    pub(crate) courses: Option<&'a [String]>,
    pub(crate) who: Who<'a>,
    /// Whether the importance of behaviours is measured.
    pub(crate) importance: bool,
    /// At least [`Detail::BothMethods`].
    pub(crate) detail: Detail,
    pub(crate) device: &'a ChosenDevice,
}

/// Says who is explained.
#[derive(Clone, Copy)]
pub(crate) enum Who<'a> {
    Everybody,
    /// Enrolments by id.
    These(&'a BTreeSet<String>),
}

/// Holds what was explained.
#[derive(Default)]
pub(crate) struct Gathered {
    /// In the order of course and enrolment.
    pub(crate) rows: Vec<LearnerRow>,
    /// By course, what the ranking loses without each behaviour.
    pub(crate) losses: Vec<CourseLoss>,
    /// Log odds that each single input adds, by row of `rows` that has an explanation, where that was asked for.
    pub(crate) single_inputs: Vec<Vec<f32>>,
}

/// Holds the behaviours that the inputs of a run tell of, and which input tells of which.
struct Groups {
    present: Vec<Behaviour>,
    /// By column, a place in `present`.
    of_column: Vec<usize>,
}

impl Groups {
    fn new(inputs: &Inputs) -> Self {
        let of_column: Vec<Behaviour> = inputs
            .columns
            .iter()
            .map(|column| match &column.source {
                Source::Weekly { feature } | Source::Null { feature } => Behaviour::of_feature(feature),
                Source::Fixed { .. } | Source::Static { .. } | Source::Calendar { .. } => Behaviour::Background,
            })
            .collect();
        let present: Vec<Behaviour> = of_column.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let place = |one: Behaviour| present.iter().position(|other| *other == one).expect("collected above");
        let of_column = of_column.into_iter().map(place).collect();
        Self { present, of_column }
    }
}

/// Explains those who are asked for.
pub(crate) fn gather(run: &Run, folder: &SequenceFolder, wanted: &Wanted<'_>) -> Result<Gathered, PredictionError> {
    let inputs = run.inputs().ok_or_else(|| RunError::NoModel(run.path().to_owned()))?;
    let groups = Groups::new(inputs);
    let mut features = inputs.features();
    // A feature that the folder lacks is reported when the inputs are bound to the data.
    features.retain(|name| folder.manifest().features.iter().any(|feature| feature.name == *name));
    let has = |name: &&str| folder.manifest().available_features().any(|feature| feature == *name);
    features.extend(FIGURE_FEATURES.into_iter().chain(RAW_FEATURES).filter(has).map(str::to_owned));
    features.sort_unstable();
    features.dedup();
    let selection = Selection {
        courses: wanted.courses.map(<[String]>::to_vec),
        features: Some(features),
        weeks: Some(wanted.week.count()),
    };
    let mut gathered = Gathered::default();
    for part in folder.load_parts(&selection, ENROLMENTS_AT_A_TIME)? {
        of_part(run, &part?, &groups, wanted, &mut gathered)?;
    }
    Ok(gathered)
}

fn of_part(
    run: &Run,
    data: &Dataset,
    groups: &Groups,
    wanted: &Wanted<'_>,
    gathered: &mut Gathered,
) -> Result<(), PredictionError> {
    let is_asked = |enrolment: &EnrolmentIndex| match wanted.who {
        Who::Everybody => true,
        Who::These(ids) => ids.contains(&data.enrolment(*enrolment).id),
    };
    let asked: Vec<EnrolmentIndex> = data.enrolment_indices().filter(is_asked).collect();
    if !asked.is_empty() {
        let request = |week, detail| ExplainRequest { week, groups: &groups.of_column, detail, device: wanted.device };
        let mut now = explain(run, data, &asked, &request(wanted.week, wanted.detail))?;
        // Where a course still runs, its forecast rests on fewer weeks than were asked for.
        let mut by_weeks: BTreeMap<CutOff, Vec<EnrolmentIndex>> = BTreeMap::new();
        now.iter().for_each(|one| by_weeks.entry(one.seen).or_default().push(one.enrolment));
        let mut before = Vec::new();
        for (seen, enrolments) in by_weeks {
            let week = CutOff::after_weeks(seen.weeks() - 1)
                .filter(|week| run.week_fits().is_some_and(|fits| fits.weeks.contains_key(week)));
            if let Some(week) = week {
                before.extend(explain(run, data, &enrolments, &request(week, Detail::Sums))?);
            }
        }
        before.sort_by_key(|one| one.enrolment);
        let scores = score(run, data, &ScoreRequest::new(wanted.week, wanted.device))?;
        if wanted.detail == Detail::SingleInputs {
            gathered.single_inputs.extend(now.iter_mut().map(|one| std::mem::take(&mut one.inputs)));
        }
        let part = PartExplained { data, groups, norms: norms(run, data, wanted.week)?, now: &now, before: &before };
        gathered.rows.extend(asked.iter().map(|&enrolment| part.row(enrolment, &scores[enrolment.as_usize()])));
    }
    if wanted.importance {
        let request = ImportanceRequest {
            week: wanted.week,
            groups: &groups.of_column,
            most_learners: MOST_FOR_IMPORTANCE,
            seed: IMPORTANCE_SEED,
            device: wanted.device,
        };
        for course in importance(run, data, &request)? {
            for (group, &behaviour) in groups.present.iter().enumerate() {
                let of_group = course.losses.iter().filter(|loss| loss.group == group);
                let (all, by_week): (Vec<&Importance>, Vec<&Importance>) =
                    of_group.partition(|loss| loss.week.is_none());
                let by_week = by_week.iter().map(|loss| loss.auc_lost).collect();
                gathered.losses.extend(all.first().map(|loss| CourseLoss {
                    behaviour,
                    auc_lost: loss.auc_lost,
                    by_week,
                }));
            }
        }
    }
    Ok(())
}

/// Computes what is typical of each course of `data`, by the course's place.
fn norms(run: &Run, data: &Dataset, week: CutOff) -> Result<Vec<Option<CourseNorms>>, PredictionError> {
    let forecast = forecastable(run, data, week)?;
    let of_course = |course: usize| {
        let here: Vec<&Forecastable> =
            forecast.iter().filter(|one| data.enrolment(one.enrolment).course.as_usize() == course).collect();
        let seen = here.first()?.seen;
        let active: Vec<EnrolmentIndex> = here.iter().filter(|one| one.active).map(|one| one.enrolment).collect();
        Some(CourseNorms::new(data, &active, seen))
    };
    Ok((0..data.courses.len()).map(of_course).collect())
}

/// Borrows the explanations of a part.
struct PartExplained<'a> {
    data: &'a Dataset,
    groups: &'a Groups,
    norms: Vec<Option<CourseNorms>>,
    now: &'a [Explanation],
    before: &'a [Explanation],
}

impl PartExplained<'_> {
    fn row(&self, enrolment: EnrolmentIndex, score: &ScoreRow) -> LearnerRow {
        let find = |all: &[Explanation]| {
            all.binary_search_by_key(&enrolment, |one| one.enrolment).ok().map(|place| all[place].clone())
        };
        let before = find(self.before);
        LearnerRow {
            course_id: score.course_id.clone(),
            enrolment_id: score.enrolment_id.clone(),
            learner_id: score.learner_id.clone(),
            week: score.week,
            exclusion: score.exclusion,
            status_reason: score.reason.clone(),
            trained_on: score.trained_on,
            explained: find(self.now).map(|now| self.explained(&now, before.as_ref())),
        }
    }

    fn explained(&self, now: &Explanation, before: Option<&Explanation>) -> ExplainedLearner {
        let effects: Vec<BehaviourEffect> = self
            .groups
            .present
            .iter()
            .zip(&now.groups)
            .enumerate()
            .map(|(place, (&behaviour, effect))| {
                let without = effect.without.expect("both methods were asked for");
                BehaviourEffect {
                    behaviour,
                    by_week: effect.by_week.clone(),
                    occlusion: without.occlusion,
                    p_without: without.p_dropout,
                    // What is added to another comparison is no change.
                    before: before
                        .filter(|before| before.reference == now.reference)
                        .map(|before| before.groups[place].contribution()),
                }
            })
            .collect();
        let course = self.data.enrolment(now.enrolment).course.as_usize();
        let norms = self.norms[course].as_ref().expect("a course of which somebody is forecast");
        ExplainedLearner {
            seen: now.seen,
            p_dropout: now.p_dropout,
            p_before: before.map(|before| before.p_dropout),
            p_compared: now.reference_p,
            compared_with: match now.reference {
                Reference::Course => Compared::ActiveInCourse,
                Reference::Training => Compared::TrainingSet,
            },
            completeness_error: now.completeness_error,
            behaviours: read_behaviours(self.data, norms, now.enrolment, now.p_dropout, &effects),
        }
    }
}
