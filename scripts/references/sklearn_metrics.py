"""Reference figures for crates/evaluation, from scikit-learn, scipy and plain numpy.

Writes crates/evaluation/tests/fixtures/sklearn_metrics.json, with which the crate's tests agree to 1e-9.
Run it from the repository root:

    python3 scripts/references/sklearn_metrics.py

Sources of the figures:
- AUC, average precision, precision, recall, F1, MCC, Brier, log loss, ROC curve, isotonic curve: scikit-learn.
- DeLong's variances: the definition, which compares every positive with every negative (O(m n)); p from scipy.
- Expected calibration error: numpy, `array_split` into 15 bins of rows sorted by probability, each row counting with
  the mean label of the rows that share its probability.
- Platt scaling: scipy's Newton-CG on Platt's smoothed targets, refined by plain Newton steps.

All data are drawn here from a fixed seed; none are of real learners.
"""

from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from fixtures import floats, provenance, write

OUT = Path("crates/evaluation/tests/fixtures/sklearn_metrics.json")


def placements(scores, labels):
    """Computes DeLong's structural components by their definition."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])
    return wins.mean(axis=1), wins.mean(axis=0)


def delong(first, second, labels):
    """Computes DeLong's variance, and his test of the difference between two AUCs."""
    rows = [placements(first, labels), placements(second, labels)]
    of_positives = np.cov(np.stack([row[0] for row in rows])) / int((labels == 1).sum())
    of_negatives = np.cov(np.stack([row[1] for row in rows])) / int((labels == 0).sum())
    covariance = of_positives + of_negatives
    difference = rows[0][0].mean() - rows[1][0].mean()
    error = float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    return {
        "variance": float(covariance[0, 0]),
        "difference": float(difference),
        "difference_standard_error": error,
        "difference_p": float(2 * norm.sf(abs(difference) / error)),
    }


def ece(probabilities, labels, bins=15):
    """Computes the expected calibration error."""
    order = np.argsort(probabilities, kind="stable")
    p = probabilities[order]
    rate = np.array([labels[probabilities == value].mean() for value in p])
    parts = [part for part in np.array_split(np.arange(len(p)), bins) if len(part)]
    return float(sum(len(part) * abs(p[part].mean() - rate[part].mean()) for part in parts) / len(p))


def metric_case(name, scores, second, probabilities, labels, threshold):
    flagged = (probabilities >= threshold).astype(int)
    tn, fp, fn, tp = (int(count) for count in sk.confusion_matrix(labels, flagged, labels=[0, 1]).ravel())
    fpr, tpr, thresholds = sk.roc_curve(labels, scores, drop_intermediate=False)
    expected = {
        "auc": sk.roc_auc_score(labels, scores),
        "average_precision": sk.average_precision_score(labels, scores),
        "precision": sk.precision_score(labels, flagged),
        "recall": sk.recall_score(labels, flagged),
        "f1": sk.f1_score(labels, flagged),
        "mcc": sk.matthews_corrcoef(labels, flagged),
        "brier": sk.brier_score_loss(labels, probabilities),
        "log_loss": sk.log_loss(labels, probabilities, labels=[0, 1]),
        "ece": ece(probabilities, labels),
        "tp": tp, "fp": fp, "tn": tn, "fn": fn,
        "roc": [[float(a), float(b)] for a, b in zip(fpr, tpr)],
        **delong(scores, second, labels),
    }
    # Undefined figures are tested in Rust; here scikit-learn must not replace any by a default.
    assert 0 < flagged.sum() < len(labels), name
    expected = {key: float(value) if isinstance(value, np.floating) else value for key, value in expected.items()}
    return {
        "name": name,
        "scores": scores.tolist(),
        "second": second.tolist(),
        "probabilities": probabilities.tolist(),
        "labels": labels.astype(bool).tolist(),
        "threshold": threshold,
        "expected": expected,
    }


def platt(scores, labels):
    """Fits Platt's scaling."""
    n_pos, n_neg = int(labels.sum()), int((1 - labels).sum())
    target = np.where(labels == 1, (n_pos + 1) / (n_pos + 2), 1 / (n_neg + 2))
    design = np.stack([scores, np.ones_like(scores)], axis=1)

    def loss(beta):
        logit = design @ beta
        return float(np.sum(np.logaddexp(0, logit) - target * logit))

    def gradient(beta):
        return design.T @ (expit(design @ beta) - target)

    def hessian(beta):
        p = expit(design @ beta)
        return design.T @ (design * (p * (1 - p))[:, None])

    beta = scipy.optimize.minimize(loss, np.zeros(2), jac=gradient, hess=hessian, method="Newton-CG").x
    for _ in range(20):
        beta = beta - np.linalg.solve(hessian(beta), gradient(beta))
    return {"slope": float(beta[0]), "intercept": float(beta[1])}


def isotonic(scores, labels, asked):
    """Fits an isotonic curve and evaluates it at the scores in `asked`."""
    n_pos, n_neg = int(labels.sum()), int((1 - labels).sum())
    low, high = 1 / (n_neg + 2), (n_pos + 1) / (n_pos + 2)
    curve = IsotonicRegression(y_min=low, y_max=high, out_of_bounds="clip").fit(scores, labels)
    return floats(curve.predict(asked))


def calibration_case(name, scores, labels):
    spread = float(np.ptp(scores)) or 1.0
    asked = np.round(np.linspace(scores.min() - 0.1 * spread, scores.max() + 0.1 * spread, 41), 4)
    return {
        "name": name,
        "scores": scores.tolist(),
        "labels": labels.astype(bool).tolist(),
        "asked": asked.tolist(),
        "platt": platt(scores, labels),
        "isotonic": isotonic(scores, labels, asked),
    }


def draw(rng, rows, base, strength, decimals):
    """Draws labels, and scores (log odds) that are related to them, rounded so that some tie."""
    while True:
        labels = (rng.random(rows) < base).astype(int)
        if 2 <= labels.sum() <= rows - 2:
            break
    scores = np.round(rng.normal(strength * (labels - base), 1.0), decimals)
    return scores, labels


def main():
    rng = np.random.default_rng(20240229)
    cases, calibrations = [], []
    shapes = [
        ("few rows", 9, 0.5, 1.0, 1, 0.5),
        ("many ties", 60, 0.5, 1.0, 0, 0.5),
        ("one decimal", 120, 0.87, 1.5, 1, 0.8),
        ("rare positives", 150, 0.08, 1.2, 2, 0.2),
        ("no ties", 97, 0.4, 0.7, 9, 0.45),
        ("worse than chance", 80, 0.5, -0.8, 1, 0.5),
        ("certain probabilities", 64, 0.5, 9.0, 1, 0.5),
    ]
    for name, rows, base, strength, decimals, threshold in shapes:
        scores, labels = draw(rng, rows, base, strength, decimals)
        second = np.round(0.5 * scores + rng.normal(0, 1, rows), decimals)
        probabilities = np.round(expit(scores + np.log(base / (1 - base))), 3 if decimals < 9 else 12)
        if name == "certain probabilities":
            # Some are exactly 0 or 1, and two of these are wrong, so that the clipping of the log loss matters.
            probabilities = np.round(probabilities)
            probabilities[:2] = 1 - labels[:2]
            probabilities[2:9] = [0.25, 0.5, 0.5, 0.75, 0.5, 0.125, 0.875]
        cases.append(metric_case(name, scores, second, probabilities, labels, threshold))
    for name, rows, base, strength, decimals, _ in shapes[:6]:
        scores, labels = draw(rng, rows, base, strength, decimals)
        calibrations.append(calibration_case(name, scores, labels))
    days = np.round(rng.exponential(9.0, 140))
    labels = (rng.random(140) < expit(0.2 * days - 1.0)).astype(int)
    calibrations.append(calibration_case("days of silence", days, labels))
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit_learn": sklearn.__version__}
    write(OUT, provenance("sklearn_metrics.py", **versions), {"metrics": cases, "calibration": calibrations})


if __name__ == "__main__":
    main()
