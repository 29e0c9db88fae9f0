//! Who is forecast at which week, and which of these rows have a known outcome to learn from.

use staycast_evaluation::proxy::{ProxyRule, days_inactive, proxy_label};
use staycast_sequences::{CutOff, Dataset, Exclusion, WeekIndex, standing};

/// Holds how every enrolment stands at every cut-off, and its outcome. Cut-off k is stored at index k - 1, the week that
/// it ends.
#[derive(Clone, Debug)]
pub(crate) struct Examples {
    weeks: usize,
    exclusion: Vec<Option<Exclusion>>,
    label: Vec<Option<bool>>,
    /// By enrolment: the latest cut-off that is whole, observed and before the label's own window.
    last_cutoff: Vec<u32>,
    /// By enrolment without a known outcome: the label that stands for it in training, and the latest cut-off at which it
    /// may.
    proxy: Vec<Option<(bool, u32)>>,
}

impl Examples {
    /// Looks at all enrolments of `data` at the cut-offs 1 to `weeks`.
    pub(crate) fn new(data: &Dataset, weeks: usize) -> Self {
        let enrolments = data.enrolments.len();
        let exclusion = (0..enrolments)
            .flat_map(|enrolment| {
                let cut_offs = (1..=weeks).map(|weeks| CutOff::after_weeks(weeks).expect("a course has few weeks"));
                cut_offs.map(move |cut_off| standing(data, enrolment, cut_off).exclusion())
            })
            .collect();
        let rule = data.manifest.labels.rule;
        let last_cutoff = (0..enrolments)
            .map(|enrolment| data.course_of(enrolment).last_cut_off(rule))
            .map(|last| last.map_or(0, |last| u32::from(last.weeks()).min(weeks as u32)))
            .collect();
        let label = data.enrolments.iter().map(|row| row.dropout).collect();
        Self { weeks, exclusion, label, last_cutoff, proxy: vec![None; enrolments] }
    }

    /// Lets inactivity stand for dropout in training, where the outcome is not known yet.
    pub(crate) fn with_proxies(mut self, data: &Dataset, rule: ProxyRule) -> Self {
        self.proxy = (0..data.enrolments.len())
            .map(|enrolment| if self.label[enrolment].is_some() { None } else { proxy(data, enrolment, rule) })
            .collect();
        self
    }

    /// Returns the number of cut-offs looked at.
    pub(crate) fn weeks(&self) -> usize {
        self.weeks
    }

    /// Tells whether the enrolment dropped out, where known.
    pub(crate) fn label(&self, enrolment: usize) -> Option<bool> {
        self.label[enrolment]
    }

    /// Returns the label that training takes: the outcome or, where it is not known, its proxy if there is one.
    pub(crate) fn training_label(&self, enrolment: usize) -> Option<bool> {
        self.label[enrolment].or(self.proxy[enrolment].map(|(label, _)| label))
    }

    /// Tells whether training may take [`Examples::training_label`] at the end of week index `week`.
    pub(crate) fn is_trainable(&self, enrolment: usize, week: usize) -> bool {
        match self.proxy[enrolment] {
            Some((_, last)) => (week as u32) < last && self.is_known(enrolment, week),
            None => self.is_learnable(enrolment, week),
        }
    }

    /// Counts the enrolments of `enrolments` that have a proxy in place of a known outcome.
    pub(crate) fn count_proxies(&self, enrolments: &[usize]) -> usize {
        enrolments.iter().filter(|&&enrolment| self.proxy[enrolment].is_some()).count()
    }

    /// Returns why the enrolment is not forecast at the end of week index `week`; `None` where it is.
    pub(crate) fn exclusion(&self, enrolment: usize, week: usize) -> Option<Exclusion> {
        self.exclusion[enrolment * self.weeks + week]
    }

    /// Tells whether the row at the end of week index `week` may be learnt from: the enrolment is known by then, its outcome
    /// is known now, and nothing of the outcome had been seen by then.
    pub(crate) fn is_learnable(&self, enrolment: usize, week: usize) -> bool {
        self.label[enrolment].is_some() && (week as u32) < self.last_cutoff[enrolment] && self.is_known(enrolment, week)
    }

    /// Tells whether the enrolment is known of by the end of week index `week`, gone or not.
    fn is_known(&self, enrolment: usize, week: usize) -> bool {
        matches!(self.exclusion(enrolment, week), None | Some(Exclusion::Withdrawn))
    }

    /// Tells whether the row is one to judge a forecast by: learnable, and not gone already.
    pub(crate) fn is_evaluable(&self, enrolment: usize, week: usize) -> bool {
        self.is_learnable(enrolment, week) && self.exclusion(enrolment, week).is_none()
    }
}

/// Returns the label that stands for an unknown outcome, and the latest cut-off at which it may: all as of the end of the
/// last week that was observed whole, since inactivity is known at the ends of weeks.
fn proxy(data: &Dataset, enrolment: usize, rule: ProxyRule) -> Option<(bool, u32)> {
    let (row, course) = (&data.enrolments[enrolment], data.course_of(enrolment));
    let observed = course.last_observed()?.min(CutOff::after_weeks(data.weeks)?);
    let weeks = course.week_grid();
    let as_of = f64::from(weeks.end_day(observed));
    let since_last = data.feature("days_since_last").map(|column| data.week(enrolment, observed.last_week())[column]);
    let inactive = days_inactive(
        since_last.filter(|days| !days.is_nan()).map(f64::from),
        as_of,
        row.enrolled_day.map(|day| as_of - day),
    );
    let label = proxy_label(inactive, (f64::from(weeks.days()) - as_of) / 7.0, rule)?;
    let allowed = |cut_off: &CutOff| rule.allows_cutoff(as_of - f64::from(weeks.end_day(*cut_off)));
    let mut latest_first = observed.weeks_seen().rev().filter_map(WeekIndex::cut_off);
    latest_first.find(allowed).map(|last| (label, last.weeks().into()))
}

/// Tells, by enrolment and week index up to `weeks`, whether the learner was active in the week after that; `None` where
/// that week was not observed, or the course has none. `None` altogether when `data` lacks the days since the last event.
pub(crate) fn active_next_week(data: &Dataset, enrolments: &[usize], weeks: usize) -> Option<Vec<Option<bool>>> {
    const FEATURE: &str = "days_since_last";
    let column = data.feature(FEATURE).filter(|_| data.manifest.available_features().any(|name| name == FEATURE))?;
    let active = |enrolment: usize, next: usize| {
        let course = data.course_of(enrolment);
        let observed = course.observed_weeks.min(course.weeks) as usize;
        let next_week = WeekIndex::from_position(next);
        let days = f64::from(course.week_grid().week_days(next_week));
        // Null, no event yet, compares false.
        (next < observed.min(data.weeks)).then(|| f64::from(data.week(enrolment, next_week)[column]) <= days)
    };
    Some(enrolments.iter().flat_map(|&enrolment| (1..=weeks).map(move |next| active(enrolment, next))).collect())
}
