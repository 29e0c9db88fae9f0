//! Modules, presentations, their sites and assessments: what is the same for all students.

use std::collections::HashSet;

use super::{FIRST_SITE, TABLES};
use crate::Simulation;
use crate::course::{Category, Course, Object};
use crate::formats::{LABELS_HEADER, PROBABILITY_HEADER};

/// The months' letters in a presentation's code: B is February, J October.
const MONTHS: &[u8; 12] = b"ABCDEFGHIJKL";

/// A course as OULAD names it.
#[derive(Debug)]
pub(super) struct Presentation {
    /// `AAA-2024A`, as readers name it.
    pub(super) id: String,
    /// `AAA,2024A,`, as every row begins.
    pub(super) codes: Vec<u8>,
    first_site: u64,
}

impl Presentation {
    /// One for each course. Courses of one discipline that begin in different months are presentations of one module.
    pub(super) fn all(simulation: &Simulation) -> Vec<Self> {
        let disciplines = simulation.config.disciplines.len();
        let mut taken = HashSet::new();
        let mut first_site = FIRST_SITE;
        let mut present = |course: &Course| {
            let month = char::from(MONTHS[course.start.month() as usize - 1]);
            let presentation = format!("{}{month}", course.start.year());
            let modules = (0..).map(|nth: usize| module(course.discipline + nth * disciplines));
            let module = { modules }
                .find(|module| taken.insert((module.clone(), presentation.clone())))
                .expect("there is always a further module");
            let this = Self {
                id: format!("{module}-{presentation}"),
                codes: format!("{module},{presentation},").into_bytes(),
                first_site,
            };
            first_site += course.ids.len() as u64;
            this
        };
        simulation.courses.iter().map(&mut present).collect()
    }

    /// Number of an object's site.
    pub(super) fn site(&self, object: Object) -> u64 {
        self.first_site + u64::from(object)
    }

    /// Number of the assessment that a quiz or an assignment is.
    pub(super) fn assessment(&self, object: Object) -> u64 {
        // Sites are numbered through all presentations, so these are as well.
        self.site(object) - FIRST_SITE + 1
    }
}

/// `AAA`, `BBB` … `ZZZ`, then `AAAB` and so on: a number in base 26.
fn module(number: usize) -> String {
    let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
    let mut code = letter(number).to_string().repeat(3);
    let mut rest = number / 26;
    while rest > 0 {
        code.push(letter(rest));
        rest /= 26;
    }
    code
}

/// Header lines of the tables of enrolments, in their order.
pub(crate) fn heads() -> [&'static [u8]; TABLES.len()] {
    [
        b"code_module,code_presentation,id_student,id_site,date,sum_click\n",
        b"id_assessment,id_student,date_submitted,is_banked,score\n",
        b"code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,\
          num_of_prev_attempts,studied_credits,disability,final_result\n",
        b"code_module,code_presentation,id_student,date_registration,date_unregistration\n",
        LABELS_HEADER.as_bytes(),
        PROBABILITY_HEADER.as_bytes(),
    ]
}

/// `courses.csv`, `assessments.csv` and `vle.csv`.
pub(super) fn tables(presentations: &[Presentation], simulation: &Simulation) -> [Vec<u8>; 3] {
    let mut courses = "code_module,code_presentation,module_presentation_length\n".to_owned();
    let mut assessments = "code_module,code_presentation,id_assessment,assessment_type,date,weight\n".to_owned();
    let mut sites = "id_site,code_module,code_presentation,activity_type,week_from,week_to\n".to_owned();
    for (presentation, course) in presentations.iter().zip(&simulation.courses) {
        let codes = std::str::from_utf8(&presentation.codes).expect("letters, digits and commas");
        // Clicks on day `length` belong to the course, so this is its last day.
        let last_day = 7 * course.chapters - 1;
        courses += &format!("{codes}{last_day}\n");
        let assignments = course.objects().filter(|&object| Course::describe(object).0 == Category::Assignment).count();
        for object in course.objects() {
            let (category, week) = Course::describe(object);
            let id = presentation.assessment(object);
            let due = 7 * (week.unwrap_or(0) + 1) - 1;
            match category {
                Category::Quiz => assessments += &format!("{codes}{id},CMA,{due},0\n"),
                Category::Assignment => {
                    assessments += &format!("{codes}{id},TMA,{due},{:.1}\n", 100.0 / assignments as f64);
                }
                _ => {}
            }
            if let Some(kind) = activity_type(category) {
                let site = presentation.site(object);
                // Only what is released in a week is planned for one.
                let planned = week.filter(|_| object != Course::COURSE && object != Course::WIKI);
                let weeks = planned.map_or_else(|| ",".to_owned(), |week| format!("{week},{week}"));
                sites += &format!("{site},{codes}{kind},{weeks}\n");
            }
        }
        // The exam, whose results are not in the tables: as in the original.
        assessments += &format!("{codes}{},Exam,,100\n", presentation.assessment(Course::COURSE));
    }
    [courses.into_bytes(), assessments.into_bytes(), sites.into_bytes()]
}

/// What OULAD calls an object; none for what is no site.
fn activity_type(category: Category) -> Option<&'static str> {
    Some(match category {
        Category::Course => "homepage",
        Category::About | Category::CourseInfo => "resource",
        Category::StaticTab => "ouwiki",
        Category::Chapter | Category::Assignment => return None,
        Category::Discussion => "forumng",
        Category::Sequential => "subpage",
        Category::Vertical => "oucontent",
        Category::Video => "url",
        Category::Problem => "externalquiz",
        Category::Quiz => "quiz",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimulatorConfig;

    #[test]
    fn presentations_have_names_of_their_own() {
        let names = |courses, gap| {
            let mut config = SimulatorConfig { courses, ..SimulatorConfig::default() };
            config.calendar.wave_gap_weeks = gap;
            let simulation = config.validate().unwrap();
            Presentation::all(&simulation).into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        let expected = ["AAA-2024A", "BBB-2024A", "CCC-2024D", "DDD-2024D", "AAA-2024G", "BBB-2024H"];
        assert_eq!(names(6, 14), expected);
        let many = names(300, 0);
        let distinct: HashSet<&String> = many.iter().collect();
        assert_eq!(distinct.len(), 300);
        assert_eq!((module(25), module(26), module(52)), ("ZZZ".to_owned(), "AAAB".to_owned(), "AAAC".to_owned()));
    }
}
