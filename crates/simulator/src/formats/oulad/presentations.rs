//! Modules, presentations, their sites and assessments, which are equal for all students.

use std::collections::HashSet;

use crate::checked::Simulation;
use crate::course::{Category, Course, Object};

/// Lists the letters of the months in a presentation's code; B is February, J October.
const MONTHS: &[u8; 12] = b"ABCDEFGHIJKL";

/// Sets the number of the first site.
const FIRST_SITE: u64 = 500_001;

/// Names a course as OULAD does.
#[derive(Debug)]
pub(super) struct Presentation {
    /// Id that readers give, as in `AAA-2024A`.
    pub(super) id: String,
    /// Beginning of every row, as in `AAA,2024A,`.
    pub(super) codes: String,
    first_site: u64,
}

impl Presentation {
    /// Makes one for each course. Courses of one discipline that begin in different months are presentations of one module.
    pub(super) fn all(simulation: &Simulation) -> Vec<Self> {
        let disciplines = simulation.config.disciplines.len();
        let mut taken = HashSet::new();
        let mut first_site = FIRST_SITE;
        let mut present = |course: &Course| {
            let month = char::from(MONTHS[course.start.month() as usize - 1]);
            let presentation = format!("{}{month}", course.start.year());
            let mut number = course.discipline;
            while !taken.insert((module(number), presentation.clone())) {
                number += disciplines;
            }
            let module = module(number);
            let this =
                Self { id: format!("{module}-{presentation}"), codes: format!("{module},{presentation},"), first_site };
            first_site += course.ids.len() as u64;
            this
        };
        simulation.courses.iter().map(&mut present).collect()
    }

    /// Returns the number of an object's site.
    pub(super) fn site(&self, object: Object) -> u64 {
        self.first_site + u64::from(object)
    }

    /// Returns the assessment number of a quiz or an assignment.
    pub(super) fn assessment(&self, object: Object) -> u64 {
        // Sites are numbered through all presentations, so assessments are too.
        self.site(object) - FIRST_SITE + 1
    }
}

/// Makes the code of a module: `AAA`, `BBB` … `ZZZ`, then `AAAB` and so on.
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

/// Makes the content of `courses.csv`, `assessments.csv` and `vle.csv`.
pub(super) fn tables(presentations: &[Presentation], simulation: &Simulation) -> [Vec<u8>; 3] {
    let mut courses = "code_module,code_presentation,module_presentation_length\n".to_owned();
    let mut assessments = "code_module,code_presentation,id_assessment,assessment_type,date,weight\n".to_owned();
    let mut sites = "id_site,code_module,code_presentation,activity_type,week_from,week_to\n".to_owned();
    for (presentation, course) in presentations.iter().zip(&simulation.courses) {
        let codes = &presentation.codes;
        // The length is the number of the last day, as clicks on that day belong to the course.
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
                // Only objects that are released in a week are planned for one.
                let planned = week.filter(|_| object != Course::COURSE && object != Course::WIKI);
                let weeks = planned.map_or_else(|| ",".to_owned(), |week| format!("{week},{week}"));
                sites += &format!("{site},{codes}{kind},{weeks}\n");
            }
        }
        // The exam's results are not in the tables, as in the original.
        assessments += &format!("{codes}{},Exam,,100\n", presentation.assessment(Course::COURSE));
    }
    [courses.into_bytes(), assessments.into_bytes(), sites.into_bytes()]
}

/// Names the activity type of an object's site; `None` for an object without a site.
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
