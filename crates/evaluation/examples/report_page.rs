//! Writes the evaluation report of synthetic learners, to look at the page in a browser:
//!
//!     cargo run --release -p staycast-evaluation --example report_page -- FOLDER [forecast|in-sample]
//!
//! writes FOLDER/report.html and FOLDER/figures/*.svg. The same seed gives the same bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use staycast_evaluation::calibration::Calibration;
use staycast_evaluation::html::{About, Compared, LeakageCheck, LeakageOutcome, Page, render};
use staycast_evaluation::metrics::survival::{End, ExitTime};
use staycast_evaluation::report::{
    ComparedForecast, DataQuality, EvaluationRequest, ExcludedCourse, Exclusion, Extras, GroupColumn, PredictionRow,
    RecencyBaseline, Resampling, WeekReference, compare, evaluate, plots,
};
use staycast_evaluation::splits::SplitKind;
use staycast_weeks::{CutOff, WeekIndex};

const WEEK: CutOff = WeekIndex::new(3).cut_off().expect("it sees four weeks");
const WEEKS: u16 = 8;
const LEARNERS: u32 = 4_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("give a folder to write report.html to")?);
    let kind = match arguments.next().as_deref() {
        None | Some("transfer") => SplitKind::Transfer,
        Some("forecast") => SplitKind::Forecast,
        Some("in-sample") => SplitKind::InSample,
        Some(other) => return Err(format!("{other:?} is no kind of test: use transfer, forecast or in-sample").into()),
    };
    let world = World::draw(7);
    let quality = data_quality();
    let references = references();
    let request = EvaluationRequest {
        rows: &world.rows,
        week: WEEK,
        last_allowed_week: Some(WEEKS),
        label_rule: "inactive-last 2",
        kind,
        references: &references,
        course_names: &world.courses,
        resampling: Resampling::Resamples { count: 200, seed: 1 },
        evaluations_of_this_part: Some(3),
        extras: Extras {
            groups: &world.groups,
            exits: &world.exits,
            predicted_survival: &world.predicted_survival,
            smoothing: Some(0.6),
            data_quality: Some(&quality),
            ..Extras::default()
        },
    };
    let evaluation = evaluate(&request)?;
    let plots = plots(&request)?;
    let about = about(&world)?;
    let page = Page { evaluation: &evaluation, plots: Some(&plots), about: &about };
    std::fs::create_dir_all(folder.join("figures"))?;
    let rendered = render(&page);
    std::fs::write(folder.join("report.html"), rendered.html)?;
    for figure in rendered.drawings {
        std::fs::write(folder.join("figures").join(format!("{}.svg", figure.name)), figure.drawing.to_svg())?;
    }
    Ok(())
}

/// Holds learners, their outcomes and their forecasts.
struct World {
    rows: Vec<PredictionRow>,
    courses: Vec<String>,
    groups: Vec<GroupColumn>,
    exits: Vec<Option<ExitTime>>,
    predicted_survival: Vec<Vec<f64>>,
}

impl World {
    fn draw(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let names = [
            "BBB-2013B",
            "physics & <motion>",
            "מבוא לסטטיסטיקה",
            "data-science-with-a-name-that-goes-on-for-longer-than-anybody-expects-2014J",
            "tiny-course",
            "history-2",
        ];
        let mut world = Self {
            rows: Vec::new(),
            courses: names.map(str::to_owned).to_vec(),
            groups: ["region", "age band"]
                .map(|name| GroupColumn { name: name.to_owned(), values: Vec::new() })
                .to_vec(),
            exits: Vec::new(),
            predicted_survival: Vec::new(),
        };
        for enrolment in 0..LEARNERS {
            world.add(enrolment, &mut rng);
        }
        world
    }

    fn add(&mut self, enrolment: u32, rng: &mut ChaCha8Rng) {
        let course = match unit(rng) {
            x if x < 0.35 => 0,
            x if x < 0.6 => 1,
            x if x < 0.8 => 2,
            x if x < 0.93 => 3,
            x if x < 0.937 => 4,
            _ => 5,
        };
        let region = ["North", "South", "East", "West \"<b>\"", "Overseas"][(unit(rng).powi(2) * 5.0) as usize];
        let age = ["0–35", "35–55", "55+"][(unit(rng) * 2.03) as usize];
        self.groups[0].values.push((unit(rng) > 0.02).then(|| region.to_owned()));
        self.groups[1].values.push(Some(age.to_owned()));
        // Risk is a hazard a week; who leaves is inactive from then on.
        let risk = normal(rng) + [0.2, -0.3, 0.0, 0.5, 0.0, -0.8][course];
        let hazard = 0.11 * (0.9 * risk).exp();
        let leaves = -unit(rng).max(1e-9).ln() / hazard;
        let label = leaves < 10.0;
        // The South's traces say less of what they will do.
        let noise = if region == "South" { 1.6 } else { 0.8 };
        for weeks in 1..=WEEKS {
            let week = CutOff::after_weeks(weeks).expect("a week or more");
            let cutoff = f64::from(weeks);
            let inactive = if leaves < cutoff { 7.0 * (cutoff - leaves) } else { 2.5 * -unit(rng).max(1e-9).ln() };
            let score = 0.9 * risk - 0.4 + noise / cutoff.sqrt() * normal(rng) + 0.09 * (inactive - 4.0);
            self.rows.push(PredictionRow {
                enrolment,
                course: course as u32,
                learner: enrolment - enrolment % 7 / 6,
                week,
                score,
                p: 1.0 / (1.0 + (-1.1 * score - 0.5).exp()),
                label: Some(label),
                known: !enrolment.is_multiple_of(41) || weeks > 4,
                active: inactive < 14.0,
                days_since_last: (inactive < 7.0 * cutoff).then_some(inactive),
                exclusion: enrolment.is_multiple_of(97).then_some(Exclusion::NotEnoughData),
            });
        }
        let end = if label { End::Dropout } else { End::Censored };
        self.exits.push(Some(ExitTime { weeks: leaves.min(10.0), end }));
        let forecast = hazard * (0.3 * normal(rng)).exp();
        self.predicted_survival.push((1..=6).map(|week| (-forecast * f64::from(week)).exp()).collect());
    }
}

/// Draws a number uniformly from [0, 1).
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Draws from the standard normal distribution (Box & Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * unit(rng).max(1e-12).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(rng)).cos()
}

fn references() -> BTreeMap<CutOff, WeekReference> {
    let of_week = |week: CutOff| {
        let recency = RecencyBaseline {
            calibration: Calibration::Platt { slope: 0.12, intercept: -0.1 },
            threshold: 0.6,
            never_active_days: 7.0 * f64::from(week.weeks()) + 1.0,
        };
        (week, WeekReference { threshold: 0.58, training_base_rate: 0.6, recency: Some(recency) })
    };
    (1..WEEKS).filter_map(CutOff::after_weeks).map(of_week).collect()
}

fn data_quality() -> DataQuality {
    let count = |reason: &str, number: u64| (reason.to_owned(), number);
    DataQuality {
        rows_read: 2_345_678,
        rows_used: 2_301_200,
        rows_set_aside: BTreeMap::from([count("after the calendar", 41_000), count("not a learner", 3_214)]),
        rows_rejected: BTreeMap::from([count("a date that does not exist", 252), count("not JSON", 12)]),
        courses_excluded: vec![ExcludedCourse {
            course: "trial-run".to_owned(),
            enrolments: 12,
            reason: "shorter than four weeks".to_owned(),
        }],
        enrolments_excluded: BTreeMap::from([count("withdrew before the start", 310)]),
        limits: vec!["The calendars were inferred from the log, so they may reach past the cut-off.".to_owned()],
    }
}

fn about(world: &World) -> Result<About, Box<dyn std::error::Error>> {
    let compared = |active: bool| {
        let rows: Vec<&PredictionRow> = world
            .rows
            .iter()
            .filter(|row| row.week == WEEK && row.exclusion.is_none() && row.known && (row.active || !active))
            .collect();
        let of = |value: fn(&PredictionRow) -> f64| rows.iter().map(|row| value(row)).collect::<Vec<f64>>();
        let (scores, p) = (of(|row| row.score), of(|row| row.p));
        let other = of(|row| row.score + f64::from(row.enrolment * 37 % 101) / 60.0);
        let other_p: Vec<f64> = other.iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.label == Some(true)).collect();
        let learners: Vec<u32> = rows.iter().map(|row| row.learner).collect();
        compare(
            ComparedForecast { scores: &scores, probabilities: &p },
            ComparedForecast { scores: &other, probabilities: &other_p },
            &labels,
            &learners,
            Resampling::Resamples { count: 200, seed: 1 },
        )
    };
    let check =
        |name: &str, outcome, detail: &str| LeakageCheck { name: name.to_owned(), outcome, detail: detail.to_owned() };
    Ok(About {
        run: "runs/example".to_owned(),
        model: "The mean of five LSTMs with 64 units, which read a learner's weeks one by one.".to_owned(),
        dropout_words: "has no event in the last two weeks of the course".to_owned(),
        data: "Simulated: 4,000 enrolments in 6 courses of 10 weeks, all learners synthetic".to_owned(),
        data_fingerprint: "c0ffee15600df00d".to_owned(),
        split: "whole courses, drawn by seed 7".to_owned(),
        features: ["n_events", "active_days", "seconds_on_task", "n_video", "n_submission", "days_since_last"]
            .map(str::to_owned)
            .to_vec(),
        device: "flex (CPU)".to_owned(),
        seeds: vec![1, 2, 3, 4, 5],
        configuration: [("model.hidden", "64"), ("train.epochs", "30"), ("split.by", "course")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        contact: String::new(),
        left_out: BTreeMap::from([("the week lies after the end of the course".to_owned(), 21)]),
        leakage: Some(vec![
            check(
                "events after the cut-off change nothing",
                LeakageOutcome::Passed,
                "4,000 scores, the same to the bit",
            ),
            check(
                "permuted labels teach nothing",
                LeakageOutcome::Passed,
                "mean AUC of 20 permutations 0.498, standard error 0.004",
            ),
            check("no feature alone tells the outcome", LeakageOutcome::NotRun, "not asked for"),
        ]),
        compared: vec![Compared {
            name: "gradient boosting".to_owned(),
            all: compared(false)?,
            active: compared(true)?,
        }],
        notes: Vec::new(),
    })
}
