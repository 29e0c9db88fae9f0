//! Lines to what the survey learns, and lines to events.

use std::sync::{Arc, Mutex, PoisonError};

use super::survey::Survey;
use super::{Grammar, Unusable};
use crate::error::ReadError;
use crate::formats::fields::each_line;
use crate::formats::pairs::PairIndex;
use crate::intake::{Frame, Intake, Row};
use crate::source::{EventFile, Purpose};
use crate::tally::{BlockTally, Reason, Tally};
use crate::text::LineParser;

/// Hands what lines say to a survey.
pub(super) struct SurveyLines<G> {
    pub(super) grammar: G,
    pub(super) survey: Arc<Mutex<Survey>>,
}

impl<G: Grammar> LineParser for SurveyLines<G> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut found = Survey::default();
        let mut scratch = G::Scratch::default();
        each_line(block, intake, |line, number, intake| match self.grammar.understand(line, &mut scratch) {
            Ok(statement) => {
                found.hear(&statement);
                intake.use_row();
            }
            Err(unusable) => refuse(intake, number, unusable),
        });
        self.survey.lock().unwrap_or_else(PoisonError::into_inner).absorb(&found);
    }
}

/// Turns what lines say into events.
pub(super) struct EventLines<G> {
    pub(super) grammar: G,
    pub(super) pairs: Arc<PairIndex>,
}

impl<G: Grammar> LineParser for EventLines<G> {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut scratch = G::Scratch::default();
        each_line(block, intake, |line, number, intake| {
            let statement = match self.grammar.understand(line, &mut scratch) {
                Ok(statement) => statement,
                Err(unusable) => return refuse(intake, number, unusable),
            };
            let Some(course) = self.pairs.course(statement.course) else {
                return intake.refuse(Reason::UnknownCourse, number, || "its course has no dates".to_owned());
            };
            let Some(deed) = statement.deed else {
                // It says who is enrolled, and the roster has it.
                return intake.use_row();
            };
            let row = |learner: &[u8], kind: u8| {
                self.pairs.enrolment(course, learner).map(|enrolment| Row {
                    line: number,
                    enrolment,
                    instant: statement.instant,
                    kind,
                    object: deed.object,
                    count: 1,
                })
            };
            let Some(done) = row(deed.learner, deed.kind) else {
                let what = || "its learner was not there when the log was read first; is it still being written?";
                return intake.refuse(Reason::UnknownEnrolment, number, || what().to_owned());
            };
            match deed.received.and_then(|(learner, kind)| row(learner, kind)) {
                Some(received) => intake.rows(done.line, [done, received].into_iter()),
                None => intake.row(done),
            }
        });
    }
}

fn refuse(intake: &mut Intake<'_>, line: u64, Unusable { reason, what }: Unusable) {
    intake.refuse(reason, line, || what.into_owned());
}

/// Reads `file` for what becomes of its lines.
pub(super) fn read_for_tally(file: &dyn EventFile, frame: &Frame, purpose: Purpose) -> Result<Tally, ReadError> {
    let blocks: Mutex<Vec<(usize, BlockTally)>> = Mutex::default();
    let sink = |number, parsed: crate::Parsed| {
        blocks.lock().unwrap_or_else(PoisonError::into_inner).push((number, parsed.tally));
        Ok(())
    };
    file.read(purpose, frame, &sink, &|_| ())?;
    let mut blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
    blocks.sort_unstable_by_key(|(number, _)| *number);
    let (name, mut line, mut whole) = (file.name(), file.first_line(), Tally::default());
    for (_, tally) in blocks {
        let lines = tally.lines;
        whole.append(tally.place(&name, line));
        line += lines;
    }
    Ok(whole)
}
