//! Measures how long many related logistic regressions take, on random numbers: `related_time ROWS COLUMNS COURSES GROUPS`.
//!
//! Fits without each course and each group of columns in turn, and prints the seconds of the first fit and of all others.
//! Speeds depend on the machine and on its other work.

use std::time::Instant;

use staycast_baselines::{PartOfTable, Penalty, RelatedFits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|number| number.parse()).collect::<Result<_, _>>()?;
    let [rows, columns, courses, groups] = arguments[..] else {
        return Err("related_time ROWS COLUMNS COURSES GROUPS".into());
    };
    let mut state = 1_u64;
    let mut draw = move || {
        // Knuth's linear congruential generator; its high bits are random enough to measure time.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let (mut values, mut labels) = (Vec::with_capacity(rows * columns), Vec::new());
    for _ in 0..rows {
        let drive = draw() + draw() - 1.0;
        values.extend((0..columns).map(|at| 2.0 * draw() - 1.0 + drive * (at % 3) as f32));
        labels.push(draw() < 0.5 + 0.4 * drive);
    }
    let penalty = Penalty::new(10.0).ok_or("above 0")?;
    let start = Instant::now();
    let table = RelatedFits::new(&values, columns, &labels, penalty)?;
    let first = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let others: Vec<Vec<usize>> =
        (0..courses).map(|out| (0..rows).filter(|row| row % courses != out).collect()).collect();
    let kept: Vec<Vec<usize>> =
        (0..groups).map(|out| (0..columns).filter(|column| column % groups != out).collect()).collect();
    let parts: Vec<PartOfTable<'_>> =
        others.iter().flat_map(|rows| kept.iter().map(move |columns| PartOfTable { rows, columns, penalty })).collect();
    let fits = table.fit_all(&parts).into_iter().collect::<Result<Vec<_>, _>>()?;
    println!(
        "{rows} rows, {columns} columns, {} threads: {first:.2} s for all of it, {:.2} s for {} parts",
        rayon::current_num_threads(),
        start.elapsed().as_secs_f64(),
        fits.len()
    );
    Ok(())
}
