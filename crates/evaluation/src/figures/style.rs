//! Colours, dashes and markers.

/// The style sheet of all drawings: rules for classes that start with `sc-`, for a page or a file.
///
/// A page may set the variables `--sc-0` … `--sc-5` (series), `--sc-text`, `--sc-faint`, `--sc-grid` and `--sc-paper`.
/// Each rule names a colour before the variable, for programs that read SVG but know no variables.
pub const STYLE: &str = "\
.sc-figure{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:12px;\
font-variant-numeric:tabular-nums}\
.sc-figure text{fill:#1a1a1a;fill:var(--sc-text,#1a1a1a)}\
.sc-figure .sc-small{font-size:11px;fill:#555;fill:var(--sc-faint,#555)}\
.sc-figure .sc-paper{fill:#fff;fill:var(--sc-paper,#fff)}\
.sc-figure .sc-grid{stroke:#ddd;stroke:var(--sc-grid,#ddd);stroke-width:1;fill:none}\
.sc-figure .sc-axis{stroke:#555;stroke:var(--sc-faint,#555);stroke-width:1;fill:none}\
.sc-figure .sc-reference{stroke:#555;stroke:var(--sc-faint,#555);stroke-width:1.2;stroke-dasharray:1.5 3;fill:none}\
.sc-figure .sc-line{fill:none;stroke-width:2;stroke-linejoin:round}\
.sc-figure .sc-whisker{fill:none;stroke-width:1.5}\
.sc-figure .sc-band{stroke:none;opacity:.2}\
.sc-figure .sc-bar{stroke:#fff;stroke:var(--sc-paper,#fff);stroke-width:.5}\
.sc-figure .sc-s0{stroke:#0072b2;stroke:var(--sc-0,#0072b2)}.sc-figure .sc-f0{fill:#0072b2;fill:var(--sc-0,#0072b2)}\
.sc-figure .sc-s1{stroke:#d55e00;stroke:var(--sc-1,#d55e00)}.sc-figure .sc-f1{fill:#d55e00;fill:var(--sc-1,#d55e00)}\
.sc-figure .sc-s2{stroke:#00805c;stroke:var(--sc-2,#00805c)}.sc-figure .sc-f2{fill:#00805c;fill:var(--sc-2,#00805c)}\
.sc-figure .sc-s3{stroke:#b5478f;stroke:var(--sc-3,#b5478f)}.sc-figure .sc-f3{fill:#b5478f;fill:var(--sc-3,#b5478f)}\
.sc-figure .sc-s4{stroke:#8c6000;stroke:var(--sc-4,#8c6000)}.sc-figure .sc-f4{fill:#8c6000;fill:var(--sc-4,#8c6000)}\
.sc-figure .sc-s5{stroke:#1a1a1a;stroke:var(--sc-5,#1a1a1a)}.sc-figure .sc-f5{fill:#1a1a1a;fill:var(--sc-5,#1a1a1a)}\
.sc-figure .sc-line.sc-s0{stroke-width:2.5}.sc-figure .sc-line.sc-s1{stroke-dasharray:7 3}\
.sc-figure .sc-line.sc-s2{stroke-dasharray:2 2.5}.sc-figure .sc-line.sc-s3{stroke-dasharray:9 3 2 3}\
.sc-figure .sc-line.sc-s4{stroke-dasharray:4 2 1 2 1 2}.sc-figure .sc-line.sc-s5{stroke-dasharray:12 4}\
@media screen and (prefers-color-scheme:dark){.sc-figure{--sc-0:#56b4e9;--sc-1:#e69f00;--sc-2:#3fc79a;--sc-3:#e39fc6;\
--sc-4:#f0e442;--sc-5:#eee;--sc-text:#eee;--sc-faint:#b5b5b5;--sc-grid:#3d3d3d;--sc-paper:#161616}}";

/// Series that can be told apart; more would have to share.
pub(super) const SERIES: usize = 6;

/// A marker of a series around a point, as the SVG element without its class: (element, attributes).
pub(super) fn marker(series: usize, x: f64, y: f64, radius: f64) -> String {
    let r = radius;
    let path = |points: &[(f64, f64)]| {
        let points: Vec<String> =
            points.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx * r, y + dy * r)).collect();
        format!("<polygon points=\"{}\"", points.join(" "))
    };
    match series % SERIES {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\""),
        1 => path(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => path(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
        3 => path(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        4 => path(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
        _ => path(&[
            (-0.4, -1.2),
            (0.4, -1.2),
            (0.4, -0.4),
            (1.2, -0.4),
            (1.2, 0.4),
            (0.4, 0.4),
            (0.4, 1.2),
            (-0.4, 1.2),
            (-0.4, 0.4),
            (-1.2, 0.4),
            (-1.2, -0.4),
            (-0.4, -0.4),
        ]),
    }
}
