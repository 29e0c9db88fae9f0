"""Times scikit-learn and LightGBM on the matrices that `fit_time` of crates/baselines draws.

usage: python3 baselines_fit_time.py ROWS COLUMNS WEEKS [logistic] [boosting]

Draws the same numbers as `cargo run --release -p staycast-baselines --example fit_time ROWS COLUMNS WEEKS`: ROWS rows with
COLUMNS columns a week, and a fifth as many held out. Fits a model at each of the cut-offs 1 to WEEKS on the weeks before it
laid side by side, and prints JSON: seconds of wall time and of all processors.

- logistic: LogisticRegression with C = 1, 0.1 and 0.01 (penalties 1, 10 and 100), by `lbfgs` and by `newton-cholesky`, each to
  scikit-learn's own tolerance of 1e-4; the best on the held-out rows would be taken.
- boosting: LightGBM and HistGradientBoosting, with the trees, leaves, rate, bins and patience of `[boosting]`.

Needs scikit-learn, lightgbm and numpy.
"""

import argparse
import json
import time
import warnings

import lightgbm
import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("rows", type=int)
parser.add_argument("columns", type=int)
parser.add_argument("weeks", type=int)
parser.add_argument("models", nargs="*", default=["logistic", "boosting"])
given = parser.parse_args()
warnings.filterwarnings("ignore")


def draws(count):
    """Draws Knuth's linear congruential numbers from 0 to 1, as the example does."""
    multiplier, increment = 6_364_136_223_846_793_005, 1_442_695_040_888_963_407
    # Jumps of 2^k steps at once: state -> a state + b.
    states = np.array([1], dtype=np.uint64)
    a, b = multiplier, increment
    while len(states) <= count:
        states = np.concatenate([states, states * np.uint64(a) + np.uint64(b)])
        a, b = a * a % 2**64, (a * b + b) % 2**64
    return ((states[1 : count + 1] >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)).astype(np.float32)


rows = given.rows + given.rows // 5
width, weeks = given.columns, given.weeks
# A row draws its drive from two numbers, whether it leaves from one and when from one more if so; then each week draws its days
# and columns. So rows do not have equally many numbers, and are read one after the other.
stream = draws(rows * (4 + weeks * (width + 1)))
values = np.empty((rows, weeks, width), dtype=np.float32)
labels = np.empty(rows, dtype=bool)
at = 0
for row in range(rows):
    drive = stream[at] + stream[at + 1] - np.float32(1)
    labels[row] = stream[at + 2] < np.float32(0.5) + np.float32(0.4) * drive
    at += 4 if labels[row] else 3
    block = stream[at : at + weeks * (width + 1)].reshape(weeks, width + 1)[:, 1:]
    at += weeks * (width + 1)
    few = np.floor(8 * block[:, ::2] * block[:, ::2]) / 2
    values[row] = block
    values[row, :, ::2] = few
    values[row] = values[row] + drive * np.float32(0.2) - np.float32(1)
del stream
held_out = np.arange(rows) % 6 == 5


def timed(fit):
    wall, processors = time.perf_counter(), time.process_time()
    fit()
    return {"seconds": round(time.perf_counter() - wall, 2), "cpu_seconds": round(time.process_time() - processors, 2)}


def at_each_week(fit):
    def run():
        for week in range(1, weeks + 1):
            x = values[:, :week].reshape(rows, -1)
            fit(x[~held_out], labels[~held_out], x[held_out], labels[held_out])
    return timed(run)


def logistic(solver):
    def fit(x, y, _x, _y):
        for c in (0.01, 0.1, 1.0):
            LogisticRegression(C=c, solver=solver, max_iter=1000).fit(x, y)
    return fit


def trees(x, y, held_x, held_y):
    model = lightgbm.LGBMClassifier(n_estimators=1000, learning_rate=0.05, num_leaves=15, max_depth=8, reg_lambda=10,
                                    min_child_weight=5, max_bin=63, colsample_bytree=0.5, n_jobs=2, verbosity=-1)
    model.fit(x, y, eval_set=[(held_x, held_y)], callbacks=[lightgbm.early_stopping(30, verbose=False)])


def histograms(x, y, held_x, held_y):
    model = HistGradientBoostingClassifier(max_iter=1000, learning_rate=0.05, max_leaf_nodes=15, max_depth=8,
                                           l2_regularization=10, max_bins=63, max_features=0.5, early_stopping=True,
                                           n_iter_no_change=30)
    model.fit(x, y, X_val=held_x, y_val=held_y)


report = {"rows": int((~held_out).sum()), "columns": width, "weeks": weeks, "scikit_learn": sklearn.__version__,
          "lightgbm": lightgbm.__version__, "dropouts": int(labels.sum())}
if "logistic" in given.models:
    for solver in ("lbfgs", "newton-cholesky"):
        report[f"logistic, {solver}"] = at_each_week(logistic(solver))
if "boosting" in given.models:
    report["lightgbm boosting"] = at_each_week(trees)
    report["hist gradient boosting"] = at_each_week(histograms)
print(json.dumps(report, indent=1))
