//! The small tables that a worklist reads beside a run: tutors, contacts, the list before.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use staycast_advice::worklist::{Contact, WasListed};
use staycast_events::time::{DAY_SECONDS, parse_instant};

/// Reads the rows of a CSV with a header. Errors name file and line, and no cell.
fn csv_rows<T: DeserializeOwned>(path: &Path, columns: &str) -> anyhow::Result<Vec<(u64, T)>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .with_context(|| format!("{} can't be read", path.display()))?;
    let mut rows = Vec::new();
    for row in reader.deserialize::<T>() {
        let line = |error: &csv::Error| error.position().map_or(0, csv::Position::line);
        let row = row.map_err(|error| {
            let (place, line) = (path.display(), line(&error));
            anyhow::anyhow!("{place}, line {line}: a row is to have the columns {columns}")
        })?;
        rows.push(((rows.len() + 2) as u64, row));
    }
    Ok(rows)
}

#[derive(Deserialize)]
struct TutorRow {
    enrolment_id: String,
    tutor: String,
}

/// Reads who looks after whom: `enrolment_id,tutor`.
pub(super) fn read_tutors(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut tutors = BTreeMap::new();
    for (line, row) in csv_rows::<TutorRow>(path, "enrolment_id and tutor")? {
        if tutors.insert(row.enrolment_id, row.tutor.clone()).is_some_and(|before| before != row.tutor) {
            anyhow::bail!("{}, line {line}: an enrolment again, with another tutor", path.display());
        }
    }
    Ok(tutors)
}

#[derive(Deserialize)]
struct ContactRow {
    enrolment_id: String,
    date: String,
    action: String,
}

/// Reads contacts: `enrolment_id,date,action`, dates as YYYY-MM-DD; those of an enrolment by date.
pub(super) fn read_contacts(path: &Path) -> anyhow::Result<BTreeMap<String, Vec<Contact>>> {
    let mut contacts: BTreeMap<String, Vec<Contact>> = BTreeMap::new();
    for (line, row) in csv_rows::<ContactRow>(path, "enrolment_id, date and action")? {
        let instant = parse_instant(row.date.as_bytes());
        let Some(instant) = instant else {
            anyhow::bail!("{}, line {line}: a date that is not YYYY-MM-DD", path.display());
        };
        let contact = Contact { day: instant.div_euclid(DAY_SECONDS), action: row.action };
        contacts.entry(row.enrolment_id).or_default().push(contact);
    }
    contacts.values_mut().for_each(|all| all.sort());
    Ok(contacts)
}

/// Reads the list of a week before, as JSON lines that `staycast worklist` wrote.
pub(super) fn read_before(path: &Path) -> anyhow::Result<BTreeMap<String, WasListed>> {
    #[derive(Deserialize)]
    struct Row {
        list: String,
        enrolment_id: String,
        week: u16,
        p_dropout: f64,
    }

    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    let mut listed = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let row: Row = serde_json::from_str(line).map_err(|_| {
            let place = path.display();
            anyhow::anyhow!("{place}, line {}: no row of a worklist, as `--out list.jsonl` writes it", at + 1)
        })?;
        if row.list == "act" {
            listed.insert(row.enrolment_id, WasListed { week: row.week, p_dropout: row.p_dropout });
        }
    }
    Ok(listed)
}
