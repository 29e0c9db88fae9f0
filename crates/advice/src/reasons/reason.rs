//! From effects by two methods to reasons.

use std::fmt;

use serde::Serialize;
use staycast_sequences::{Dataset, EnrolmentIndex};

use super::behaviour::Behaviour;
use super::figures::{CourseNorms, Figure, Learner};
use super::wording;

/// Is the size in log odds below which a behaviour hardly bears on a forecast: 2.5 points of probability at one half.
pub const LEAST_EFFECT: f64 = 0.1;

/// Holds how a behaviour bears on a forecast, by two methods, in log odds.
#[derive(Clone, Debug, PartialEq)]
pub struct BehaviourEffect {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// By week of the inputs: what they add to the reference's forecast.
    pub by_week: Vec<f32>,
    /// How much higher the forecast is than with the reference's inputs in this behaviour.
    pub occlusion: f64,
    /// The probability with the reference's inputs in this behaviour.
    pub p_without: f64,
    /// Log odds that it added to the forecast a week before, where there was one.
    pub before: Option<f64>,
}

impl BehaviourEffect {
    /// Returns what the behaviour adds over all weeks.
    #[must_use]
    pub fn contribution(&self) -> f64 {
        self.by_week.iter().map(|&added| f64::from(added)).sum()
    }
}

/// Says what can be said of a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A reason for concern: both methods say that it raises the forecast of dropout, and the figures show it.
    RaisesRisk,
    /// Something that the learner does well: both methods say that it lowers the forecast, and the figures show it.
    LowersRisk,
    /// One method says that it raises the forecast, the other that it lowers it or does nothing.
    MethodsDiffer,
    /// Both methods agree, but the learner's figures do not show it.
    NotInTheFigures,
    /// It hardly bears on the forecast.
    Small,
    /// It bears on the forecast, but the learner can't act on it.
    NotOfTheLearner,
}

impl Finding {
    /// Tells whether it is a reason to show.
    #[must_use]
    pub const fn is_reason(self) -> bool {
        matches!(self, Self::RaisesRisk | Self::LowersRisk)
    }

    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::RaisesRisk => "raises_risk",
            Self::LowersRisk => "lowers_risk",
            Self::MethodsDiffer => "methods_differ",
            Self::NotInTheFigures => "not_in_the_figures",
            Self::Small => "small",
            Self::NotOfTheLearner => "not_of_the_learner",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RaisesRisk => "raises the forecast",
            Self::LowersRisk => "lowers the forecast",
            Self::MethodsDiffer => "the two methods differ",
            Self::NotInTheFigures => "the figures do not show it",
            Self::Small => "hardly matters",
            Self::NotOfTheLearner => "nothing that the learner can act on",
        })
    }
}

/// Describes one behaviour of a learner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BehaviourReading {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// Finding about it.
    pub finding: Finding,
    /// A sentence with the figure; empty unless it is a reason.
    pub text: String,
    /// The main figure of the behaviour. The sentence may tell days since the last visit, or missing assessments, instead.
    pub figure: Figure,
    /// Log odds that its inputs add to the reference's forecast.
    pub contribution: f64,
    /// The week, from 1, whose inputs add most in the direction of the whole.
    pub week: usize,
    /// Log odds by which the forecast is higher than with the reference's inputs.
    pub occlusion: f64,
    /// Points of probability, from -1 to 1, by which the forecast is higher than with the reference's inputs.
    pub points: f64,
    /// How much more it adds than a week before; `None` where there was no forecast then.
    pub change: Option<f64>,
}

impl BehaviourReading {
    /// Returns what both methods grant: the smaller of their sizes.
    #[must_use]
    pub fn size(&self) -> f64 {
        self.contribution.abs().min(self.occlusion.abs())
    }
}

/// Reads the behaviours of one enrolment: reasons first, those of either direction by falling size, then the others.
#[must_use]
pub fn read_behaviours(
    data: &Dataset,
    norms: &CourseNorms,
    enrolment: EnrolmentIndex,
    p_dropout: f64,
    effects: &[BehaviourEffect],
) -> Vec<BehaviourReading> {
    let learner = Learner { data, norms, enrolment };
    let mut readings: Vec<BehaviourReading> = effects.iter().map(|effect| read(learner, p_dropout, effect)).collect();
    readings.sort_by(|a, b| {
        a.finding.cmp(&b.finding).then(b.size().total_cmp(&a.size())).then(a.behaviour.cmp(&b.behaviour))
    });
    readings
}

fn read(learner: Learner<'_>, p_dropout: f64, effect: &BehaviourEffect) -> BehaviourReading {
    let (contribution, occlusion) = (effect.contribution(), effect.occlusion);
    let (finding, text) = find(learner, effect.behaviour, contribution, occlusion);
    let direction = contribution.signum();
    let in_direction = |&(_, &added): &(usize, &f32)| f64::from(added) * direction;
    let most = effect.by_week.iter().enumerate().max_by(|a, b| in_direction(a).total_cmp(&in_direction(b)));
    BehaviourReading {
        behaviour: effect.behaviour,
        finding,
        text: text.unwrap_or_default(),
        figure: learner.figure(effect.behaviour),
        contribution,
        week: most.map_or(1, |(week, _)| week + 1),
        occlusion,
        points: p_dropout - effect.p_without,
        change: effect.before.map(|before| contribution - before),
    }
}

fn find(learner: Learner<'_>, behaviour: Behaviour, contribution: f64, occlusion: f64) -> (Finding, Option<String>) {
    let (large, small) = (contribution.abs().max(occlusion.abs()), contribution.abs().min(occlusion.abs()));
    let same_sign = contribution.signum() == occlusion.signum();
    if large < LEAST_EFFECT || same_sign && small < LEAST_EFFECT && large < 2.0 * LEAST_EFFECT {
        return (Finding::Small, None);
    }
    if small < LEAST_EFFECT || !same_sign {
        return (Finding::MethodsDiffer, None);
    }
    if !behaviour.is_of_the_learner() {
        return (Finding::NotOfTheLearner, None);
    }
    let raises = contribution > 0.0;
    match wording::sentence(learner, behaviour, raises) {
        Some(text) => (if raises { Finding::RaisesRisk } else { Finding::LowersRisk }, Some(text)),
        None => (Finding::NotInTheFigures, None),
    }
}
