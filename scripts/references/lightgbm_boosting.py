"""Reference forecasts for boosting in crates/baselines, from LightGBM.

Writes crates/baselines/tests/fixtures/lightgbm_boosting.json, with which the crate's tests agree to 1e-5.
Run it from the repository root:

    python3 scripts/references/lightgbm_boosting.py

Both grow trees leaf by leaf, the best question first, on bins that hold one value each. So with the same options they ask the
same questions. LightGBM does not ask a second time about a column of which no cut improved the parent, which happens where the
penalty is large. So penalties are small here.

All data are drawn here from a fixed seed; none are of real learners.
"""

from pathlib import Path

import lightgbm
import numpy as np

from fixtures import floats, provenance, write

OUT = Path("crates/baselines/tests/fixtures/lightgbm_boosting.json")
ROWS, COLUMNS = 500, 8

CASES = [
    dict(name="few leaves", trees=12, learning_rate=0.1, leaves=4, depth=8, leaf_weight=5.0, penalty=0.5, rising=[]),
    dict(name="bounded by depth", trees=12, learning_rate=0.3, leaves=31, depth=3, leaf_weight=2.0, penalty=1.0, rising=[]),
    dict(name="small leaves", trees=20, learning_rate=0.2, leaves=15, depth=8, leaf_weight=0.5, penalty=0.0, rising=[]),
    dict(name="one direction", trees=12, learning_rate=0.2, leaves=8, depth=8, leaf_weight=2.0, penalty=1.0, rising=[0, 3]),
]


def draw(seed):
    """Draws inputs in steps of 1/8, so that each value has a bin, and labels that depend on some of them."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(ROWS, COLUMNS)) * 8) / 8
    logits = 1.5 * x[:, 0] - np.abs(x[:, 1]) + x[:, 2] * x[:, 3]
    return x, rng.random(ROWS) < 1 / (1 + np.exp(-logits))


def fit(case, x, labels):
    """Fits with LightGBM; returns the log-odds of the training rows."""
    model = lightgbm.LGBMClassifier(
        n_estimators=case["trees"], learning_rate=case["learning_rate"], num_leaves=case["leaves"], max_depth=case["depth"],
        min_child_weight=case["leaf_weight"], reg_lambda=case["penalty"], min_child_samples=1, max_bin=255, min_data_in_bin=1,
        enable_bundle=False, deterministic=True, force_row_wise=True, n_jobs=1, verbosity=-1,
        monotone_constraints=[int(column in case["rising"]) for column in range(COLUMNS)] if case["rising"] else None,
        monotone_constraints_method="basic")
    model.fit(x, labels)
    return model.predict(x, raw_score=True)


cases = []
for number, case in enumerate(CASES):
    x, labels = draw(number + 1)
    cases.append({**case, "columns": COLUMNS, "values": floats(x.ravel()), "labels": [bool(label) for label in labels],
                  "logits": [round(logit, 9) for logit in floats(fit(case, x, labels))]})
write(OUT, provenance("lightgbm_boosting.py", lightgbm=lightgbm.__version__, numpy=np.__version__), {"cases": cases})
