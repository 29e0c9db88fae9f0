//! Which enrolments each network is trained on, stopped by, and tested with.

use std::collections::BTreeSet;

use staycast_evaluation::splits::{
    FoldRequest, Folds, Grouping, Part, Split, SplitError, SplitKind, SplitRequest, SplitRow, TestCourses, assign,
};
use staycast_sequences::{CourseRow, Dataset, DropoutRule};

use crate::config::{CheckedConfig, SplitConfig};

/// Days after a course's end until a labels file is taken to be known: such a file does not say when it was made.
const LABELS_FILE_LAG_DAYS: i64 = 14;

/// The enrolments of a run, as indices into the data set.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// One split, or one a fold and repeat.
    pub(crate) splits: Vec<Outer>,
    /// What the test measures.
    pub(crate) kind: SplitKind,
    /// The first split in words.
    pub(crate) description: String,
    /// What stays together in the held-out parts of the training side.
    pub(crate) held_out_by: Grouping,
}

/// One training side and its test part.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    pub(crate) repeat: u32,
    pub(crate) fold: u32,
    pub(crate) training: Vec<usize>,
    pub(crate) test: Vec<usize>,
    /// Enrolments in neither, with the reason.
    pub(crate) excluded: Vec<(usize, Part)>,
    /// By member: positions in `training` that it is trained on, and those it holds out.
    pub(crate) members: Vec<(Vec<usize>, Vec<usize>)>,
}

impl Plan {
    pub(crate) fn new(data: &Dataset, config: &CheckedConfig) -> Result<Self, SplitError> {
        let split = &config.split;
        let named = |courses: &[String]| courses.iter().cloned().collect::<BTreeSet<String>>();
        // Other splits than by course know no training courses: the other courses' rows are not offered to them.
        let wanted = named(&split.train_courses);
        let tested = named(&split.test_courses);
        let kept: Vec<usize> = (0..data.enrolments.len())
            .filter(|&enrolment| {
                let course = &data.course_of(enrolment).id;
                split.by == "course" && split.folds == 0
                    || wanted.is_empty()
                    || wanted.contains(course)
                    || tested.contains(course)
            })
            .collect();
        let rows = rows(data, &kept);
        let mut plan =
            if split.folds > 0 { Self::folds(&rows, &kept, config)? } else { Self::one(&rows, &kept, config)? };
        for outer in &mut plan.splits {
            let (by, members) = held_out(data, config, outer)?;
            plan.held_out_by = by;
            outer.members = members;
        }
        Ok(plan)
    }

    fn one(rows: &[SplitRow<'_>], kept: &[usize], config: &CheckedConfig) -> Result<Self, SplitError> {
        let request = SplitRequest {
            split: request(&config.split),
            validation: None,
            cutoff_week: cutoff_week(config),
            seed: config.training.seed,
        };
        let assignment = assign(rows, &request)?;
        let outer = outer(&assignment.part, kept, 0, 0);
        Ok(Self {
            splits: vec![outer],
            kind: assignment.kind,
            description: assignment.description,
            held_out_by: Grouping::Learner,
        })
    }

    fn folds(rows: &[SplitRow<'_>], kept: &[usize], config: &CheckedConfig) -> Result<Self, SplitError> {
        let SplitConfig { folds, repeats, .. } = config.split;
        let by = if config.split.by == "course" { Grouping::Course } else { Grouping::Learner };
        let made = Folds::new(rows, FoldRequest { folds, repeats, by, seed: config.training.seed })?;
        let mut splits = Vec::new();
        let mut first = None;
        for repeat in 0..repeats {
            for fold in 0..folds {
                let assignment = made.assignment(rows, repeat, fold, None)?;
                splits.push(outer(&assignment.part, kept, repeat, fold));
                first.get_or_insert((assignment.kind, assignment.description));
            }
        }
        let (kind, description) = first.expect("a checked configuration has a fold");
        Ok(Self { splits, kind, description, held_out_by: Grouping::Learner })
    }
}

fn cutoff_week(config: &CheckedConfig) -> u16 {
    u16::try_from(config.training.target_week).unwrap_or(u16::MAX)
}

fn request(split: &SplitConfig) -> Split {
    let test = if split.test_courses.is_empty() {
        TestCourses::Share(split.test_share)
    } else {
        TestCourses::Named(split.test_courses.iter().cloned().collect())
    };
    match split.by.as_str() {
        "time" => Split::Time { test },
        "learner" => Split::Learner { test_share: split.test_share },
        "random" => Split::Random { test_share: split.test_share },
        _ => {
            let train = &split.train_courses;
            Split::Course { test, train: (!train.is_empty()).then(|| train.iter().cloned().collect()) }
        }
    }
}

fn outer(parts: &[Part], kept: &[usize], repeat: u32, fold: u32) -> Outer {
    let mut outer =
        Outer { repeat, fold, training: Vec::new(), test: Vec::new(), excluded: Vec::new(), members: Vec::new() };
    for (&part, &enrolment) in parts.iter().zip(kept) {
        match part {
            Part::Train | Part::Validation => outer.training.push(enrolment),
            Part::Test => outer.test.push(enrolment),
            Part::Excluded(_) => outer.excluded.push((enrolment, part)),
        }
    }
    outer
}

type Members = Vec<(Vec<usize>, Vec<usize>)>;

/// Each member's rows of a training side: whole courses are held out where the test is of whole courses and there are
/// enough of them, else learners.
fn held_out(data: &Dataset, config: &CheckedConfig, outer: &Outer) -> Result<(Grouping, Members), SplitError> {
    let folds = config.ensemble.validation_folds;
    let members = config.ensemble.members;
    let courses: BTreeSet<usize> = outer.training.iter().map(|&row| data.enrolments[row].course).collect();
    let like_test = ["course", "time"].contains(&config.split.by.as_str());
    let by = if like_test && courses.len() >= folds as usize { Grouping::Course } else { Grouping::Learner };
    let rows = rows(data, &outer.training);
    let request = FoldRequest { folds, repeats: members.div_ceil(folds), by, seed: config.training.seed };
    let made = Folds::new(&rows, request)?;
    let of_member = |member: u32| {
        let assignment = made.assignment(&rows, member / folds, member % folds, None)?;
        Ok((assignment.rows_of(Part::Train), assignment.rows_of(Part::Test)))
    };
    Ok((by, (0..members).map(of_member).collect::<Result<Members, SplitError>>()?))
}

fn rows<'a>(data: &'a Dataset, enrolments: &[usize]) -> Vec<SplitRow<'a>> {
    enrolments
        .iter()
        .map(|&enrolment| {
            let (row, course) = (&data.enrolments[enrolment], data.course_of(enrolment));
            // Cut-offs are whole weeks from the start: of a course whose first week is short, from where it would begin
            // were it whole.
            let lacking = 7_u32.saturating_sub(course.cut().first_week_days);
            SplitRow {
                enrolment: &row.id,
                learner: &row.learner,
                course: &course.id,
                course_start_day: (!course.nominal_dates).then(|| i64::from(course.start_day) - i64::from(lacking)),
                labels_known_day: labels_known_day(data.manifest.labels.rule, course),
                label: row.dropout,
            }
        })
        .collect()
}

/// First day, since 1970-01-01, at whose start a course's labels are known; `None` without calendar dates.
pub(crate) fn labels_known_day(rule: DropoutRule, course: &CourseRow) -> Option<i64> {
    let lag = match rule {
        DropoutRule::NoActivityAfter { days } => i64::from(days),
        DropoutRule::LabelsFile => LABELS_FILE_LAG_DAYS,
        _ => 0,
    };
    (!course.nominal_dates).then(|| i64::from(course.start_day) + i64::from(course.days) + lag)
}
