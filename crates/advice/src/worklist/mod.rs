//! Whom to contact this week, no more than a tutor can.

mod candidate;
mod choose;
mod files;
mod page;
mod rank;
mod row;
mod settings;
mod summary;
mod uplift_table;

pub use candidate::{Candidate, CandidateForecast, Contact, RULE_DAYS, Uplift, WasListed};
pub use choose::{ChosenBy, Decision, WhyNot, choose, open_to_contact};
pub use files::{SPREADSHEET_COLUMNS, SpreadsheetRow, digest, everybody_batch};
pub use page::{PageFacts, worklist_page};
pub use rank::benefit;
pub use row::{Confidence, WhichList, WorklistRow};
pub use settings::WorklistSettings;
pub use summary::WorklistSummary;
pub use uplift_table::{UpliftTableError, read_uplift};
