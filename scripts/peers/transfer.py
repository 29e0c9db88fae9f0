"""Trains peers on the tasks of the transfer benchmark, on the same rows as Staycast.

usage: python3 transfer.py TASKS.toml --sequences NAME=DIR … --out PEERS.json [--logs NAME=DIR …] [--models NAME,…]
       [--threads 2] [--seed 1] [TASK …]

TASKS.toml is the file that `staycast transfer` reads (configs/transfer.toml), and each DIR the output of `staycast preprocess`.
Writes AUC by task and cohort in the form of transfer.json, so that `staycast transfer --peers PEERS.json` puts them into its
table. Rows, labels and cohorts follow docs/definitions.md; `staycast transfer` refuses other numbers of rows.

- lightgbm: every weekly feature of the weeks before the cut-off side by side, with nulls, and numeric properties of the
  enrolment. Means of five models, each stopped early on a fifth of the learners, or of the courses where there are several.
- sklearn-logistic: the same columns; counts as logarithms, indicators of nulls, standardised by the training rows, cut at six
  deviations. LogisticRegression with the best of five penalties by log loss on the same fifths.
- script: what an analyst writes in an afternoon: counts of each kind of event, active days, objects, days since the last
  activity, submissions and scores, week by week. The mean of the log-odds of both models.
- daily-lstm: an LSTM over days in PyTorch (daily_lstm.py) that reads the log itself: events by kind, submissions and scores of
  each day. Only for sequences whose log is given by --logs.

Needs lightgbm, scikit-learn, pyarrow, pandas and numpy, and PyTorch for daily-lstm.
"""

import argparse
import json
import pathlib
import tomllib
import warnings

import lightgbm
import numpy as np
import pyarrow.parquet as parquet
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

KEYS = {"course_id", "enrolment_id", "learner_id", "week", "week_days", "observed"}
COUNTED = ("n_", "total_", "seconds", "longest", "objects", "sessions", "problem", "assess", "submissions", "days_since")
SCRIPT = ("n_", "active_days", "objects", "days_since_last", "submi")
BOOSTING = dict(objective="binary", learning_rate=0.03, num_leaves=15, min_child_samples=40, subsample=0.8, subsample_freq=1,
                colsample_bytree=0.5, reg_lambda=5.0, verbosity=-1, deterministic=True, force_row_wise=True)
ROUNDS, PATIENCE, FOLDS, PENALTIES = 1500, 60, 5, (0.0003, 0.001, 0.003, 0.01, 0.1)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("tasks", type=pathlib.Path)
parser.add_argument("only", nargs="*", metavar="TASK")
parser.add_argument("--sequences", action="append", required=True, metavar="NAME=DIR")
parser.add_argument("--logs", action="append", default=[], metavar="NAME=DIR")
parser.add_argument("--models", default="lightgbm,sklearn-logistic,script,daily-lstm")
parser.add_argument("--out", type=pathlib.Path, required=True)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_intermixed_args()
warnings.filterwarnings("ignore")
places = dict(place.split("=", 1) for place in given.sequences)
logs = dict(place.split("=", 1) for place in given.logs)
wanted = given.models.split(",")


def load(folder, week):
    """Reads the enrolments, and the weekly features before the cut-off as [enrolment][week][feature] with their names."""
    people = parquet.read_table(pathlib.Path(folder) / "enrolments.parquet").to_pandas()
    weekly = parquet.read_table(pathlib.Path(folder) / "sequences.parquet", filters=[("week", "<", week)]).to_pandas()
    names = [name for name in weekly if name not in KEYS and weekly[name].dtype.kind in "ifb"]
    place = {key: row for row, key in enumerate(zip(people.course_id, people.enrolment_id))}
    rows = np.array([place[key] for key in zip(weekly.course_id, weekly.enrolment_id)])
    values = np.full((len(people), week, len(names)), np.nan, dtype=np.float32)
    values[rows, weekly.week.to_numpy()] = weekly[names].to_numpy(dtype=np.float32)
    return people, values, names


def cohorts(people, values, names, week, register):
    """Tells who is known by the cut-off, and who of these is still active."""
    # Somebody without a date of enrolment is in a register from the start, or else known from the first event. The last week must
    # be a whole one.
    seen = np.full(len(people), register) | (people.first_event_day < 7 * week).to_numpy()
    known = np.where(people.enrolled_day.isna(), seen, people.enrolled_day <= 7 * (week - 1))
    if people.withdrawal_day.notna().any():
        return known, known & ~(people.withdrawal_day < 7 * week).to_numpy()
    return known, known & (np.nansum(values[:, week - 2 :, names.index("n_events")], axis=1) > 0)


def prepared(values, names, train):
    """Makes columns for logistic regression."""
    columns = []
    for week in range(values.shape[1]):
        for at, name in enumerate(names):
            x = values[:, week, at].astype(float)
            null = np.isnan(x)
            x = np.sign(x) * np.log1p(np.abs(x)) if name.startswith(COUNTED) else x
            columns += [np.where(null, np.nan if null.all() else np.nanmean(x[train]), x)] + ([null.astype(float)] if null.any() else [])
    x = np.nan_to_num(np.array(columns).T)
    mean, deviation = x[train].mean(0), x[train].std(0)
    varies = deviation > 1e-9
    return np.clip((x[:, varies] - mean[varies]) / deviation[varies], -6, 6)


def folds(groups, learners, draw):
    """Deals the training rows into fifths, by course where there are several, or else by learner."""
    of = groups if len(set(groups)) > 1 else learners
    names, place = np.unique(of.astype(str), return_inverse=True)
    return draw.permutation(len(names))[place] % min(FOLDS, len(names))


def boosted(x, y, train, fold, test):
    """Computes the mean log-odds of models that are stopped early on one fold each."""
    total = 0
    for number in np.unique(fold):
        fit, stop = train[fold != number], train[fold == number]
        model = lightgbm.LGBMClassifier(n_estimators=ROUNDS, n_jobs=given.threads, random_state=given.seed + int(number), **BOOSTING)
        model.fit(x[fit], y[fit], eval_set=[(x[stop], y[stop])], callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])
        total = total + model.predict(x[test], raw_score=True)
    return total / len(np.unique(fold))


def logistic(x, y, train, fold, test):
    """Computes log-odds with the penalty that is best on the folds."""
    def fit(penalty, rows):
        return LogisticRegression(C=penalty, max_iter=500, tol=1e-3).fit(x[rows], y[rows])

    def loss(penalty):
        parts = [(train[fold != number], train[fold == number]) for number in np.unique(fold)]
        return sum(log_loss(y[held], fit(penalty, rest).predict_proba(x[held])[:, 1], labels=[False, True]) * len(held)
                   for rest, held in parts)

    return fit(min(PENALTIES, key=loss), train).decision_function(x[test])


def daily(*rows):
    """Computes the mean log-odds of LSTMs over days; says how well they rank what each of them held out."""
    from daily_lstm import daily_lstm

    scores, held_out = daily_lstm(*rows, given.seed, given.threads)
    print(f"daily-lstm, held out: {held_out:.4f}", flush=True)
    return scores


def solve(task):
    """Returns the figures of every peer on a task; where each course is left out in turn, the means over these."""
    courses = task.get("leave_one_out")
    if not courses:
        return train_all(task)
    parts = [train_all(task | {"train": [other for other in courses if other != course], "test": [course]}) for course in courses]
    return [{"model": figures[0]["model"], "cohorts": {
        cohort: {"n": sum(one["cohorts"][cohort]["n"] for one in figures),
                 "auc": float(np.mean([one["cohorts"][cohort]["auc"] for one in figures]))}
        for cohort in ("all", "active")}} for figures in zip(*parts)]


def train_all(task):
    """Trains every peer on the courses of a task, and returns its figures by model."""
    week = task["week"]
    people, values, names = load(places[task["sequences"]], week)
    register = json.loads((pathlib.Path(places[task["sequences"]]) / "manifest.json").read_text())["knows"]["register"]
    known, active = cohorts(people, values, names, week, register)
    labelled = people.dropout.notna().to_numpy()
    y = np.array([label is True or label == 1 for label in people.dropout])
    usable = known & labelled
    course = people.course_id.to_numpy().astype(str)
    train = np.flatnonzero(usable & np.isin(course, task["train"]))
    test = np.flatnonzero(usable & np.isin(course, task["test"]))
    # Nobody is learnt from who is forecast too.
    train = train[~np.isin(people.learner_id.to_numpy()[train], people.learner_id.to_numpy()[test])]
    fold = folds(course[train], people.learner_id.to_numpy()[train], np.random.default_rng(given.seed))
    fixed = [people[name].to_numpy(dtype=np.float32)[:, None] for name in ("pre_start_events", "pre_start_active_days") if name in people]
    few = [at for at, name in enumerate(names) if name.startswith(SCRIPT) or "score" in name or "submission" in name]
    flat = lambda part: np.hstack([part.reshape(len(part), -1), *fixed])
    some = values[:, :, few]
    peers = {
        "lightgbm": lambda: boosted(flat(values), y, train, fold, test),
        "sklearn-logistic": lambda: logistic(prepared(values, names, train), y, train, fold, test),
        "script": lambda: (boosted(some.reshape(len(some), -1), y, train, fold, test)
                           + logistic(prepared(some, [names[at] for at in few], train), y, train, fold, test)) / 2,
    }
    if task["sequences"] in logs:
        peers["daily-lstm"] = lambda: daily(logs[task["sequences"]], people, week, y, train, fold, test)
    found = {model: scores() for model, scores in peers.items() if model in wanted}
    figures = []
    for model, scores in found.items():
        parts = {"all": np.ones(len(test), bool), "active": active[test]}
        figures.append({"model": model, "cohorts": {
            cohort: {"n": int(inside.sum()), "auc": float(roc_auc_score(y[test][inside], scores[inside]))}
            for cohort, inside in parts.items()}})
    return figures


report = {"lightgbm": lightgbm.__version__, "scikit_learn": sklearn.__version__, "options": BOOSTING, "tasks": []}
for task in tomllib.loads(given.tasks.read_text())["tasks"]:
    if not given.only or task["name"] in given.only:
        figures = solve(task)
        if not figures:
            continue
        report["tasks"].append({"name": task["name"], "figures": figures})
        print(json.dumps(report["tasks"][-1]), flush=True)
        given.out.write_text(json.dumps(report, indent=1) + "\n")
