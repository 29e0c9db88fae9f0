//! Fewer points that look the same.

/// Leaves out the points of a line that lie within `tolerance` of the line through those kept (Douglas and Peucker
/// 1973); the first and the last stay. Takes O(n log n) on ordinary curves and no recursion.
pub(super) fn thin(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut open = vec![(0, points.len() - 1)];
    while let Some((first, last)) = open.pop() {
        let mut farthest = (0.0, first);
        for at in first + 1..last {
            let away = distance(points[at], points[first], points[last]);
            if away > farthest.0 {
                farthest = (away, at);
            }
        }
        if farthest.0 > tolerance {
            keep[farthest.1] = true;
            open.push((first, farthest.1));
            open.push((farthest.1, last));
        }
    }
    points.iter().zip(keep).filter(|&(_, kept)| kept).map(|(&point, _)| point).collect()
}

/// Returns the distance of a point from a segment.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let squared = dx * dx + dy * dy;
    let along = if squared > 0.0 { ((point.0 - from.0) * dx + (point.1 - from.1) * dy) / squared } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (point.0 - from.0 - along * dx).hypot(point.1 - from.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::thin;

    #[test]
    fn what_is_left_out_was_on_the_line() {
        let line: Vec<(f64, f64)> = (0..1000).map(|x| (f64::from(x), 2.0 * f64::from(x))).collect();
        assert_eq!(thin(&line, 0.1), [line[0], line[999]]);
        let bent = [(0.0, 0.0), (1.0, 0.02), (2.0, 5.0), (3.0, 5.01), (4.0, 5.0)];
        assert_eq!(thin(&bent, 0.1), [bent[0], bent[1], bent[2], bent[4]]);
        let circle: Vec<(f64, f64)> = (0..10_000).map(|at| (f64::from(at) / 1e3).sin_cos()).collect();
        let thinned = thin(&circle, 1e-3);
        assert!(thinned.len() > 20 && thinned.len() < 400, "{}", thinned.len());
    }
}
