//! Which enrolments each network is trained on, stopped by, and tested with.

use std::collections::BTreeSet;

use staycast_evaluation::splits::{
    FoldRequest, Folds, Grouping, LaterRuns, Part, Split, SplitError, SplitKind, SplitRequest, SplitRow, TestCourses,
    TestInstitutions, assign, course_family,
};
use staycast_sequences::{CourseRow, Dataset, DropoutRule};
use staycast_weeks::CutOff;

use crate::config::{CheckedConfig, SplitConfig};
use crate::run::FoldsRecord;

/// The static column that says which institution an enrolment is of, in sequences of several institutions.
const INSTITUTION: &str = "institution";

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
    /// The folds that were made, in a cross-validation.
    pub(crate) folds: Option<FoldsRecord>,
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
                split.by == "course" && !split.cross_validates()
                    || wanted.is_empty()
                    || wanted.contains(course)
                    || tested.contains(course)
            })
            .collect();
        let rows = rows(data, &kept, &split.run_separator);
        let mut plan =
            if split.cross_validates() { Self::folds(&rows, &kept, config)? } else { Self::one(&rows, &kept, config)? };
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
            cut_off: cut_off(config),
            seed: config.training.seed,
        };
        let assignment = assign(rows, &request)?;
        let outer = outer(&assignment.part, kept, 0, 0);
        Ok(Self {
            splits: vec![outer],
            kind: assignment.kind,
            description: assignment.description,
            folds: None,
            held_out_by: Grouping::Learner,
        })
    }

    fn folds(rows: &[SplitRow<'_>], kept: &[usize], config: &CheckedConfig) -> Result<Self, SplitError> {
        let SplitConfig { folds, repeats, leave_one_out, .. } = config.split;
        let by = match config.split.by.as_str() {
            "course" => Grouping::Course,
            "institution" => Grouping::Institution,
            "random" => Grouping::Enrolment,
            _ => Grouping::Learner,
        };
        let seed = config.training.seed;
        let made = if leave_one_out {
            Folds::leave_one_out(rows, by, seed)?
        } else {
            Folds::new(rows, FoldRequest { folds, repeats, by, seed })?
        };
        let FoldRequest { folds, repeats, .. } = made.request();
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
        let folds = Some(FoldsRecord { folds, repeats });
        Ok(Self { splits, kind, description, folds, held_out_by: Grouping::Learner })
    }
}

fn cut_off(config: &CheckedConfig) -> CutOff {
    let weeks = u16::try_from(config.training.target_week).unwrap_or(u16::MAX);
    CutOff::after_weeks(weeks).expect("a checked configuration sees a week or more")
}

fn request(split: &SplitConfig) -> Split {
    let names = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
    let test_share = split.test_share;
    let test = match split.test_courses.as_slice() {
        [] => TestCourses::Share(test_share),
        courses => TestCourses::Named(names(courses)),
    };
    match split.by.as_str() {
        "time" => Split::Time { test },
        "later-run" => {
            let test = match split.test_families.as_slice() {
                [] => LaterRuns::Share(test_share),
                [all] if all == "*" => LaterRuns::All,
                families => LaterRuns::Named(names(families)),
            };
            Split::LaterRun { test }
        }
        "learner" => Split::Learner { test_share },
        "institution" => {
            let test = match split.test_institutions.as_slice() {
                [] => TestInstitutions::Share(test_share),
                institutions => TestInstitutions::Named(names(institutions)),
            };
            Split::Institution { test }
        }
        "random" => Split::Random { test_share },
        _ => Split::Course { test, train: (!split.train_courses.is_empty()).then(|| names(&split.train_courses)) },
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

/// Each member's rows of a training side: what is held out is what the test is made of (whole courses, institutions)
/// where there is enough of it, courses where there are too few institutions, and else learners.
fn held_out(data: &Dataset, config: &CheckedConfig, outer: &Outer) -> Result<(Grouping, Members), SplitError> {
    let folds = config.ensemble.validation_folds;
    let members = config.ensemble.members;
    let rows = rows(data, &outer.training, &config.split.run_separator);
    let courses = rows.iter().map(|row| row.course).collect::<BTreeSet<_>>().len();
    let institutions = rows.iter().map(|row| row.institution).collect::<BTreeSet<_>>().len();
    let enough = |groups: usize| groups >= folds as usize;
    let by = match config.split.by.as_str() {
        "institution" if enough(institutions) => Grouping::Institution,
        "course" | "time" | "later-run" | "institution" if enough(courses) => Grouping::Course,
        _ => Grouping::Learner,
    };
    let request = FoldRequest { folds, repeats: members.div_ceil(folds), by, seed: config.training.seed };
    let made = Folds::new(&rows, request)?;
    let of_member = |member: u32| {
        let assignment = made.assignment(&rows, member / folds, member % folds, None)?;
        Ok((assignment.rows_of(Part::Train), assignment.rows_of(Part::Test)))
    };
    Ok((by, (0..members).map(of_member).collect::<Result<Members, SplitError>>()?))
}

fn rows<'a>(data: &'a Dataset, enrolments: &[usize], run_separator: &str) -> Vec<SplitRow<'a>> {
    enrolments
        .iter()
        .map(|&enrolment| {
            let (row, course) = (&data.enrolments[enrolment], data.course_of(enrolment));
            // Cut-offs are whole weeks from the start: of a course whose first week is short, from where it would begin
            // were it whole.
            let lacking = 7_u32.saturating_sub(course.first_week_days);
            SplitRow {
                enrolment: &row.id,
                learner: &row.learner,
                course: &course.id,
                family: course_family(&course.id, run_separator),
                institution: row.statics.get(INSTITUTION).and_then(Option::as_deref),
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
