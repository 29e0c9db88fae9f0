//! Measures how long each baseline takes to fit, on random numbers: `fit_time ROWS COLUMNS WEEKS [MODEL…]`.
//!
//! Prints by baseline the seconds to fit the cut-offs 1 to WEEKS on ROWS rows with COLUMNS columns per week, and to forecast
//! the same rows. A fifth as many rows are held out in addition. Speeds depend on the machine and on its other work.

use std::time::Instant;

use staycast_baselines::{BaselineConfig, BaselineKind, Forecaster, RawSeries, TrainingData, WeeklyInputs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rows, width, weeks, kinds @ ..] = &arguments[..] else {
        return Err("fit_time ROWS COLUMNS WEEKS [MODEL…]".into());
    };
    let (training_rows, width, weeks): (usize, usize, usize) = (rows.parse()?, width.parse()?, weeks.parse()?);
    let mut kinds = kinds.iter().map(|kind| kind.parse()).collect::<Result<Vec<BaselineKind>, _>>()?;
    if kinds.is_empty() {
        kinds = BaselineKind::ALL.to_vec();
    }
    let rows = training_rows + training_rows / 5;
    let mut state = 1_u64;
    let mut draw = move || {
        // Knuth's linear congruential generator; its high bits are random enough to measure time.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let columns: Vec<String> = (0..width).map(|at| format!("column{at}")).collect();
    let (mut values, mut days, mut labels, mut exits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let drive = draw() + draw() - 1.0;
        let leaves = draw() < 0.5 + 0.4 * drive;
        labels.push(Some(leaves));
        exits.push(leaves.then(|| (weeks as f32 + 2.0 * draw()) as i32));
        for _ in 0..weeks {
            days.push(10.0 * draw() * (1.0 + drive));
            // Half of the columns hold few values, as weekly counts do.
            let noisy = |at: usize, chance: f32| {
                if at.is_multiple_of(2) { (8.0 * chance * chance).floor() / 2.0 } else { chance }
            };
            values.extend((0..width).map(|at| noisy(at, draw()) + drive * 0.2 - 1.0));
        }
    }
    let raw = [RawSeries { name: "days_since_last", values: &days }];
    let ends = vec![weeks as u32 + 2; rows];
    let inputs = WeeklyInputs { rows, weeks, columns: &columns, values: &values, raw: &raw, course_weeks: &ends };
    let (train, held_out): (Vec<usize>, Vec<usize>) = (0..rows).partition(|row| row % 6 != 5);
    let training = TrainingData {
        inputs,
        rows: &train,
        held_out: &held_out,
        labels: &labels,
        learnable: &vec![true; rows * weeks],
        exit_week: &exits,
        observed_weeks: &ends,
        seed: 1,
    };
    println!(
        "{} rows, {} columns at week {weeks}, {} threads",
        train.len(),
        width * weeks,
        rayon::current_num_threads()
    );
    for kind in kinds {
        let start = Instant::now();
        let model = kind.fit(&BaselineConfig::default().check()?, &training)?;
        let fitted = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let logits = model.forecast(&inputs)?;
        let forecast = start.elapsed().as_secs_f64();
        let bytes = serde_json::to_vec(&model)?.len();
        println!(
            "{kind:16} fit {fitted:7.2} s, forecast {forecast:6.2} s of {} logits, {bytes:9} bytes of JSON, absent {:?}",
            logits.len(),
            model.absent()
        );
    }
    Ok(())
}
