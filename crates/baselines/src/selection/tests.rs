use super::*;

/// Draws numbers of a fixed sequence (Knuth's MMIX generator), about normal: sums of twelve uniform ones.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Simulated learners of `courses` courses: group 0 tells who drops out, group 1 nothing, and group 2 something else in
/// every course.
struct Simulated {
    groups: Vec<usize>,
    values: Vec<f32>,
    labels: Vec<bool>,
    active: Vec<bool>,
    courses: Vec<u32>,
}

impl Simulated {
    fn new(courses: u32, learners: u32) -> Self {
        let mut draws = Draws(7);
        let mut all = Self {
            groups: vec![0, 1, 1, 1, 2],
            values: Vec::new(),
            labels: Vec::new(),
            active: Vec::new(),
            courses: Vec::new(),
        };
        for course in 0..courses {
            let habit = if course % 2 == 0 { 1.5 } else { -1.5 };
            for _ in 0..learners {
                let x: [f64; 5] = std::array::from_fn(|_| draws.normal());
                let logit = x[0] + habit * x[4] + 3.0 * f64::from(course) / f64::from(courses) - 1.5;
                all.labels.push(draws.uniform() < 1.0 / (1.0 + (-logit).exp()));
                all.active.push(draws.uniform() < 0.8);
                all.courses.push(course);
                all.values.extend(x.map(|value| value as f32));
            }
        }
        all
    }

    fn rows<'a>(&'a self, folds: &'a [Vec<u32>]) -> SelectionRows<'a> {
        SelectionRows {
            groups: &self.groups,
            required: &[],
            values: &self.values,
            labels: &self.labels,
            active: &self.active,
            courses: &self.courses,
            folds,
        }
    }
}

#[test]
fn what_helps_on_other_courses_is_kept_and_what_only_helps_in_its_own_is_not() {
    let all = Simulated::new(6, 400);
    let by_course = [all.courses.clone()];
    let found = all.rows(&by_course).select().unwrap();
    assert_eq!(found.kept, [0]);
    let left: Vec<usize> = found.left_out.iter().map(|left| left.group).collect();
    assert!(left.contains(&1) && left.contains(&2), "{left:?}");
    assert!(found.auc >= found.auc_of_all - MOST_LOSS, "{found:?}");
    let required = SelectionRows { required: &[1], ..all.rows(&by_course) };
    assert_eq!(required.select().unwrap().kept, [0, 1]);
    // In one course, by learner, the course's own habit helps.
    let one = Simulated::new(1, 2400);
    let by_learner = [(0..2400).map(|row| row % 5).collect(), (0..2400).map(|row| row / 480).collect()];
    assert_eq!(one.rows(&by_learner).select().unwrap().kept, [0, 2]);
}

#[test]
fn the_same_for_any_number_of_threads() {
    let all = Simulated::new(5, 300);
    let folds = [all.courses.clone()];
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| all.rows(&folds).select().unwrap())
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn rows_that_can_not_be_judged_are_refused() {
    let all = Simulated::new(2, 50);
    let folds = [all.courses.clone()];
    let rows = all.rows(&folds);
    let same = vec![true; 100];
    assert_eq!(SelectionRows { labels: &same, ..rows }.select(), Err(SelectionError::TooFewFolds { folds: 0 }));
    let short = SelectionRows { active: &same[..3], ..rows }.select();
    assert_eq!(short, Err(SelectionError::Length { what: "active", found: 3, wanted: 100 }));
    let mut values = all.values.clone();
    values[17] = f32::NAN;
    assert_eq!(SelectionRows { values: &values, ..rows }.select(), Err(SelectionError::NotFinite));
}
