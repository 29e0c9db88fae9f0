"""Reference figures for crates/evaluation: calibration, capacities, decision and cost curves, fairness, repeated folds.

Writes crates/evaluation/tests/fixtures/report_metrics.json, with which the crate's tests agree to 1e-9.
Run it from the repository root, with scikit-learn and abroca (0.1.3, --no-deps) installed:

    python3 scripts/references/report_metrics.py

Sources of the figures:
- Calibration slope and intercept: scikit-learn's unpenalised logistic regression on the log odds, refined by plain Newton
  steps. Calibration-in-the-large: scipy's brentq on the likelihood equation.
- Brier decomposition: numpy, `array_split` into 15 bins, where tied rows count with their mean label. The sum must equal
  scikit-learn's Brier score.
- Capacities: the mean of scipy's hypergeometric distribution for the score at which the capacity ends.
- Decision curve and cost curve: their definitions, over scikit-learn's confusion matrices and ROC curve.
- Precision-recall curve: scikit-learn. Histogram: numpy.
- ABROCA: the definition in exact fractions, summed over the pieces between two corners of either curve. The published
  package, which interpolates on a grid, must agree to 0.002. Gaps: scikit-learn, group by group.
- Corrected resampled t-test: its formula, with scipy's t distribution.

All data are drawn here from a fixed seed; none are of real learners.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy
import sklearn
from abroca.utils import interpolate_roc_fun
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import hypergeom
from scipy.stats import t as student
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from fixtures import floats, provenance, write

OUT = Path("crates/evaluation/tests/fixtures/report_metrics.json")


def recalibration(p, y):
    """Computes calibration slope, intercept and calibration-in-the-large."""
    x = logit(p)
    design = np.stack([x, np.ones_like(x)], axis=1)
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(x[:, None], y)
    beta = np.array([model.coef_[0, 0], model.intercept_[0]])
    for _ in range(10):
        q = expit(design @ beta)
        beta = beta - np.linalg.solve(design.T @ (design * (q * (1 - q))[:, None]), design.T @ (q - y))
    return {
        "slope": float(beta[0]),
        "intercept": float(beta[1]),
        "in_the_large": float(brentq(lambda a: expit(a + x).sum() - y.sum(), -30, 30, xtol=1e-14, rtol=1e-14)),
    }


def decomposition(p, y, bins=15):
    """Computes the terms of the Brier score's decomposition."""
    order = np.argsort(p, kind="stable")
    sorted_p = p[order]
    rate = np.array([y[p == value].mean() for value in sorted_p])
    n, base = len(p), y.mean()
    terms = dict.fromkeys(["reliability", "resolution", "variance", "covariance"], 0.0)
    for part in (part for part in np.array_split(np.arange(n), bins) if len(part)):
        f, o = sorted_p[part], rate[part]
        terms["reliability"] += len(part) / n * (f.mean() - o.mean()) ** 2
        terms["resolution"] += len(part) / n * (o.mean() - base) ** 2
        terms["variance"] += ((f - f.mean()) ** 2).sum() / n
        terms["covariance"] += 2 * ((f - f.mean()) * (o - o.mean())).sum() / n
    terms["uncertainty"] = base * (1 - base)
    total = terms["reliability"] - terms["resolution"] + terms["uncertainty"] + terms["variance"] - terms["covariance"]
    assert abs(total - sk.brier_score_loss(y, p)) < 1e-12
    return {key: float(value) for key, value in terms.items()}


def at_capacity(scores, y, k):
    """Computes expected precision, recall and lift for the k highest scores, over every order of ties."""
    cut = np.sort(scores)[::-1][k - 1]
    above, tied = scores > cut, scores == cut
    room = k - int(above.sum())
    hits = y[above].sum() + hypergeom.mean(int(tied.sum()), int(y[tied].sum()), room)
    return [k, float(hits / k), float(hits / y.sum()), float(hits / k / y.mean())]


def net_benefit(p, y, threshold):
    """Computes the net benefit of the model and of treating everybody."""
    tn, fp, fn, tp = sk.confusion_matrix(y, p >= threshold, labels=[0, 1]).ravel()
    n, odds = len(y), threshold / (1 - threshold)
    return [threshold, float(tp / n - fp / n * odds), float(y.mean() - (1 - y.mean()) * odds)]


def costs(p, y, threshold):
    """Computes the cost at the threshold and the least cost of any threshold, by share of positives."""
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    flagged = p >= threshold
    own = (flagged[y == 0].mean(), flagged[y == 1].mean())
    rows = []
    for step in range(0, 101, 5):
        share = step / 100
        cost = lambda false, true: (1 - true) * share + false * (1 - share)
        rows.append([share, float(cost(*own)), float(min(cost(a, b) for a, b in zip(fpr, tpr)))])
    return rows


def fraction_curve(scores, y):
    """Computes the corners of the ROC curve as exact fractions."""
    positives, negatives = int(y.sum()), int((1 - y).sum())
    corners = [(Fraction(0), Fraction(0))]
    for value in sorted(set(scores), reverse=True):
        flagged = scores >= value
        corners.append((Fraction(int((flagged & (y == 0)).sum()), negatives), Fraction(int((flagged & (y == 1)).sum()), positives)))
    return corners


def limit(curve, x, right):
    """Computes the height at x, from the right or from the left, as the curve may jump there."""
    at = [corner for corner in curve if corner[0] == x]
    if at:
        return at[-1][1] if right else at[0][1]
    before = [corner for corner in curve if corner[0] < x][-1]
    after = [corner for corner in curve if corner[0] > x][0]
    return before[1] + (after[1] - before[1]) * (x - before[0]) / (after[0] - before[0])


def abroca(first, second):
    """Computes the area between two ROC curves exactly, and compares it with the package abroca."""
    one, two = fraction_curve(*first), fraction_curve(*second)
    places = sorted({corner[0] for corner in one + two})
    area = Fraction(0)
    for left, right in zip(places, places[1:]):
        a = limit(one, left, True) - limit(two, left, True)
        b = limit(one, right, False) - limit(two, right, False)
        if a * b >= 0:
            area += (right - left) * (abs(a) + abs(b)) / 2
        else:
            crossing = left + (right - left) * abs(a) / (abs(a) + abs(b))
            area += (crossing - left) * abs(a) / 2 + (right - crossing) * abs(b) / 2
    grid = 20_001
    curves = []
    for scores, y in (first, second):
        fpr, tpr, _ = sk.roc_curve(y, scores, drop_intermediate=False)
        x, height = interpolate_roc_fun(fpr, tpr, grid)
        curves.append(height)
    assert abs(float(area) - np.trapezoid(np.abs(curves[0] - curves[1]), x)) < 2e-3
    return float(area)


def fairness(scores, p, y, group, threshold):
    """Computes differences between two groups."""
    parts = [(scores[group == side], y[group == side], (p >= threshold)[group == side]) for side in (True, False)]
    recall = [sk.recall_score(labels, flags) for _, labels, flags in parts]
    false = [sk.recall_score(1 - labels, ~flags, zero_division=0.0) for _, labels, flags in parts]
    auc = [sk.roc_auc_score(labels, values) for values, labels, _ in parts]
    return {
        "abroca": abroca(parts[0][:2], parts[1][:2]),
        "auc": float(auc[0] - auc[1]),
        "recall": float(recall[0] - recall[1]),
        "false_positive_rate": float((1 - false[0]) - (1 - false[1])),
    }


def case(rng, name, rows, base, strength, decimals, threshold):
    y = (rng.random(rows) < base).astype(int)
    y[:2], y[2:4] = 1, 0
    group = rng.random(rows) < 0.4
    group[[0, 2]], group[[1, 3]] = True, False
    scores = np.round(rng.normal(strength * (y - base) * np.where(group, 0.6, 1.2), 1.0), decimals)
    p = np.clip(np.round(expit(0.7 * scores + 0.4 + logit(base)), 3 if decimals < 6 else 12), 0.001, 0.999)
    precision, recall, _ = sk.precision_recall_curve(y, p)
    counts = [np.histogram(p[y == side], bins=np.arange(21) / 20)[0].tolist() for side in (1, 0)]
    return {
        "name": name,
        "scores": floats(scores),
        "probabilities": floats(p),
        "labels": y.astype(bool).tolist(),
        "in_group": group.tolist(),
        "threshold": threshold,
        "expected": {
            "recalibration": recalibration(p, y),
            "decomposition": decomposition(p, y),
            "capacity": [at_capacity(scores, y, k) for k in (1, 3, max(1, rows // 10), rows // 3, rows)],
            "net_benefit": [net_benefit(p, y, step / 100) for step in range(5, 100, 5)],
            "cost": costs(p, y, threshold),
            # scikit-learn starts at the lowest threshold and ends with the point that flags nobody.
            "precision_recall": [floats(pair) for pair in zip(precision[:-1][::-1], recall[:-1][::-1])],
            "histogram": counts,
            "gaps": fairness(scores, p, y, group, threshold),
        },
    }


def corrected_t(rng, folds, repeats):
    """Draws differences between two models by fold, and tests them."""
    differences = rng.normal(0.004, 0.01, folds * repeats)
    count = len(differences)
    error = np.sqrt((1 / count + 1 / (folds - 1)) * differences.var(ddof=1))
    value = differences.mean() / error
    half = student.ppf(0.975, count - 1) * error
    expected = [differences.mean(), error, differences.mean() - half, differences.mean() + half, value]
    expected.append(2 * student.sf(abs(value), count - 1))
    return {"folds": folds, "differences": floats(differences), "expected": floats(expected)}


def main():
    rng = np.random.default_rng(20260102)
    cases = [
        case(rng, "few rows", 14, 0.5, 0.8, 1, 0.5),
        case(rng, "many ties", 80, 0.5, 1.0, 0, 0.5),
        case(rng, "one decimal", 130, 0.85, 1.2, 1, 0.8),
        case(rng, "rare positives", 160, 0.1, 1.2, 2, 0.2),
        case(rng, "no ties", 110, 0.4, 0.9, 9, 0.45),
    ]
    tests = [corrected_t(rng, 5, 10), corrected_t(rng, 10, 1), corrected_t(rng, 2, 5)]
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit_learn": sklearn.__version__, "abroca": "0.1.3"}
    write(OUT, provenance("report_metrics.py", **versions), {"cases": cases, "corrected_t": tests})


if __name__ == "__main__":
    main()
