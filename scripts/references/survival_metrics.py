"""Reference figures for crates/evaluation's survival metrics, from scikit-survival and lifelines.

Writes crates/evaluation/tests/fixtures/survival_metrics.json, with which the crate's tests agree to 1e-9.
Run it from the repository root, with scikit-survival and lifelines installed:

    python3 scripts/references/survival_metrics.py

Sources of the figures:
- Kaplan-Meier curve: scikit-survival; its log-log interval: lifelines.
- Harrell's C: lifelines, and pair counts from scikit-survival, which must agree.
- Brier score over time and its integral: scikit-survival, weights from the same rows.
- Cumulative incidence with competing ends: scikit-survival (lifelines jitters tied times).
- C with competing ends: scikit-survival, where an observation far beyond all others replaces the competing end. Brier score
  with competing ends: the definition.

All data are drawn here from a fixed seed; none are of real learners.
"""

from pathlib import Path

import lifelines
import numpy as np
import sksurv
from lifelines import KaplanMeierFitter
from lifelines.utils import concordance_index
from sksurv.metrics import brier_score, concordance_index_censored, integrated_brier_score
from sksurv.nonparametric import (
    CensoringDistributionEstimator,
    cumulative_incidence_competing_risks,
    kaplan_meier_estimator,
)
from sksurv.util import Surv

from fixtures import floats, provenance, write

OUT = Path("crates/evaluation/tests/fixtures/survival_metrics.json")
CENSORED, DROPOUT, COMPETING = 0, 1, 2


def weights(times, ends, asked):
    """Computes the Kaplan-Meier curve of censoring as scikit-survival does, where a competing end is an end."""
    estimator = CensoringDistributionEstimator().fit(Surv.from_arrays(ends != CENSORED, times))
    return estimator.predict_proba(asked)


def brier_with_competing(times, ends, predicted, asked):
    """Computes the Brier score over time by its definition."""
    at_end, at_time = weights(times, ends, times.copy()), weights(times, ends, asked.copy())
    curve = []
    for column, time in enumerate(asked):
        total = 0.0
        for row in range(len(times)):
            survival = predicted[row, column]
            if times[row] > time:
                total += (1 - survival) ** 2 / at_time[column]
            elif ends[row] == DROPOUT:
                total += survival**2 / at_end[row]
            elif ends[row] == COMPETING:
                total += (1 - survival) ** 2 / at_end[row]
        curve.append(total / len(times))
    return curve


def case(rng, name, rows, decimals, censoring, competing):
    risk = np.round(rng.normal(0, 1, rows), 1 if decimals < 3 else 6)
    leaves = rng.exponential(8 * np.exp(-0.7 * risk))
    stops = rng.exponential(censoring, rows)
    ends_otherwise = rng.exponential(competing, rows) if competing else np.full(rows, np.inf)
    times = np.round(np.minimum(np.minimum(leaves, stops), ends_otherwise), decimals) + (0.5 if decimals == 0 else 0.001)
    first = np.argmin([stops, leaves, ends_otherwise], axis=0)
    ends = np.array([CENSORED, DROPOUT, COMPETING])[first]
    # A last censored row is observed longest, so that no weight is zero at the times in `asked`.
    times, ends, risk = np.append(times, times.max() + 1), np.append(ends, CENSORED), np.append(risk, 0.0)
    dropped = ends == DROPOUT
    asked = np.round(np.linspace(np.quantile(times, 0.1), np.quantile(times, 0.8), 7), 3)
    predicted = np.round(np.exp(-np.outer(np.exp(0.5 * risk) / 9, asked)), 4)

    km_times, km = kaplan_meier_estimator(dropped, times)
    fitter = KaplanMeierFitter().fit(times, dropped)
    interval = fitter.confidence_interval_.loc[km_times]
    outlasting = np.where(ends == COMPETING, times.max() + 10, times)
    c, concordant, discordant, tied, _ = concordance_index_censored(dropped, outlasting, risk)
    assert abs(c - concordance_index(outlasting, -risk, dropped)) < 1e-12
    expected = {
        "kaplan_meier": [floats(row) for row in zip(km_times, km, interval.iloc[:, 0], interval.iloc[:, 1])],
        "c_index": float(c),
        "concordant": int(concordant),
        "discordant": int(discordant),
        "tied": int(tied),
    }
    if competing:
        at, incidence = cumulative_incidence_competing_risks(ends, times)
        expected["incidence"] = [floats(row) for row in zip(at, incidence[1], incidence[2])]
        expected["brier"] = floats(brier_with_competing(times, ends, predicted, asked))
    else:
        observed = Surv.from_arrays(dropped, times)
        _, curve = brier_score(observed, observed, predicted, asked)
        assert np.allclose(curve, brier_with_competing(times, ends, predicted, asked), atol=1e-12)
        expected["brier"] = floats(curve)
        expected["integrated_brier"] = float(integrated_brier_score(observed, observed, predicted, asked))
    return {
        "name": name,
        "weeks": floats(times),
        "ends": [["censored", "dropout", "competing_end"][end] for end in ends],
        "risk": floats(risk),
        "asked": floats(asked),
        "predicted": [floats(row) for row in predicted],
        "expected": expected,
    }


def main():
    rng = np.random.default_rng(20260101)
    cases = [
        case(rng, "few rows", 12, 3, 20.0, None),
        case(rng, "no ties", 90, 6, 14.0, None),
        case(rng, "whole weeks", 120, 0, 10.0, None),
        case(rng, "mostly censored", 80, 0, 2.0, None),
        case(rng, "nobody censored but one", 40, 1, 1e6, None),
        case(rng, "competing ends", 90, 6, 14.0, 12.0),
        case(rng, "competing ends in whole weeks", 130, 0, 12.0, 9.0),
    ]
    versions = {"numpy": np.__version__, "scikit_survival": sksurv.__version__, "lifelines": lifelines.__version__}
    write(OUT, provenance("survival_metrics.py", **versions), {"cases": cases})


if __name__ == "__main__":
    main()
