"""Reference coefficients for crates/baselines, from scikit-learn.

Writes crates/baselines/tests/fixtures/sklearn_baselines.json, with which the crate's tests agree to 1e-6.
Run it from the repository root:

    python3 scripts/references/sklearn_baselines.py

Sources of the figures:
- linear: Ridge(alpha=penalty, solver="cholesky") on 0 and 1.
- logistic: LogisticRegression(C=1/penalty, solver="newton-cholesky").
- hazard: the same LogisticRegression on the table of enrolment-weeks of Singer and Willett (1993). It has a row for each
  week after the cut-off, up to the week of leaving or the last observed, with a dummy variable for each week. A learner who
  left before the cut-off has one row, with a leaving in the first week. The dummy variables are multiplied by sqrt(penalty /
  baseline_penalty), so that one penalty serves as two.

All data are drawn here from a fixed seed; none are of real learners.
"""

from pathlib import Path

import numpy as np
import sklearn
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge

from fixtures import provenance, write

OUT = Path("crates/baselines/tests/fixtures/sklearn_baselines.json")


def regression(x, labels, penalty):
    """Fits logistic regression; returns intercept, weights and the model."""
    fitted = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, labels)
    assert fitted.n_iter_[0] < 1000
    return float(fitted.intercept_[0]), fitted.coef_[0], fitted


def inputs(rng, rows, weeks, columns):
    """Draws [row][week][column], correlated over weeks and columns, as 32-bit numbers with three decimals."""
    common = rng.normal(size=(rows, 1, 1))
    x = 0.6 * common + rng.normal(size=(rows, weeks, columns)) * rng.uniform(0.5, 1.5, size=columns)
    return np.round(x, 3).astype(np.float32)


def decimals(x):
    """Rounds inputs to three decimals, which read as 32-bit numbers equal the inputs."""
    short = [round(float(value), 3) for value in x.ravel()]
    assert (np.array(short, dtype=np.float32) == x.ravel()).all()
    return short


def case(rng, name, rows, weeks, columns, penalty):
    x = inputs(rng, rows, weeks, columns)
    flat = x.reshape(rows, -1).astype(np.float64)
    strength = rng.normal(size=flat.shape[1]) / np.sqrt(columns)
    labels = (rng.random(rows) < expit(flat @ strength + rng.normal())).astype(int)
    assert 20 < labels.sum() < rows - 20, name
    ridge = Ridge(alpha=penalty, solver="cholesky").fit(flat, labels)
    intercept, weights, _ = regression(flat, labels, penalty)
    return {
        "name": name,
        "weeks": weeks,
        "columns": columns,
        "penalty": penalty,
        "values": decimals(x),
        "labels": labels.astype(bool).tolist(),
        "linear": {"intercept": float(ridge.intercept_), "weights": ridge.coef_.tolist()},
        "logistic": {"intercept": intercept, "weights": weights.tolist()},
    }


def hazard_case(rng, rows, weeks, columns, cutoff, penalty, baseline_penalty):
    """Draws courses of 6 to 9 weeks, with inputs for `weeks` of them; some logs end a week before the course."""
    x = inputs(rng, rows, weeks, columns)
    flat = x[:, :cutoff].reshape(rows, -1).astype(np.float64)
    course_weeks = rng.integers(6, 10, size=rows)
    observed = course_weeks - (rng.random(rows) < 0.3)
    risk = flat[:, :columns] @ rng.normal(size=columns) / np.sqrt(columns) - 2.0
    exits = []
    for row in range(rows):
        leaves = rng.random(course_weeks[row] + 1) < expit(risk[row])
        # A week before the start counts as -1.
        exits.append(int(np.argmax(leaves)) - 1 if leaves.any() else None)
    table, dummies, events = [], [], []
    horizon = int(max(observed)) - cutoff
    for row in range(rows):
        exit_week, ahead = exits[row], int(observed[row]) - cutoff
        if exit_week is not None and exit_week < cutoff:
            spell, left = 1, True
        elif exit_week is not None and exit_week < cutoff + ahead:
            spell, left = exit_week - cutoff + 1, True
        else:
            spell, left = ahead, False
        for week in range(spell):
            table.append(flat[row])
            dummies.append(np.eye(horizon)[week])
            events.append(int(left and week + 1 == spell))
    scale = np.sqrt(penalty / baseline_penalty)
    design = np.hstack([np.array(table), scale * np.array(dummies)])
    intercept, weights, fitted = regression(design, np.array(events), penalty)
    width = flat.shape[1]

    def hazards(row):
        ahead = range(int(course_weeks[row]) - cutoff)
        asked = [np.hstack([flat[row], scale * np.eye(horizon)[min(week, horizon - 1)]]) for week in ahead]
        return fitted.predict_proba(np.array(asked))[:, 1].tolist()

    return {
        "weeks": weeks,
        "columns": columns,
        "cutoff": cutoff,
        "penalty": penalty,
        "baseline_penalty": baseline_penalty,
        "values": decimals(x),
        "exit_week": exits,
        "observed_weeks": observed.tolist(),
        "course_weeks": course_weeks.tolist(),
        "intercept": intercept,
        "weights": weights[:width].tolist(),
        "hazards": [hazards(row) for row in range(20)],
    }


def main():
    rng = np.random.default_rng(19930101)
    cases = [
        case(rng, "one week", 120, 1, 3, 1.0),
        case(rng, "strong penalty", 200, 2, 4, 50.0),
        case(rng, "weak penalty", 300, 3, 3, 0.01),
        case(rng, "more columns than a block", 400, 4, 10, 2.0),
        case(rng, "more columns than rows", 100, 4, 30, 1.0),
    ]
    hazard = hazard_case(rng, 300, 3, 4, 2, 1.5, 0.2)
    versions = {"numpy": np.__version__, "scikit_learn": sklearn.__version__}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write(OUT, provenance("sklearn_baselines.py", **versions), {"cases": cases}, {"hazard": hazard})


if __name__ == "__main__":
    main()
