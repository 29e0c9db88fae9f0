"""Trains LightGBM on the features and split of a run, and compares its AUC with the run's.

usage: python3 lightgbm_folds.py SEQUENCES RUN PREDICTIONS.parquet [--week 4] [--out PEER.parquet] [--threads 2]

SEQUENCES is the output of `staycast preprocess`, and RUN that of `staycast train` on it. PREDICTIONS.parquet is the file that
`staycast evaluate RUN SEQUENCES --out DIR` writes to DIR. Its rows give the enrolments to evaluate, their cohorts, and
Staycast's scores.

LightGBM reads exactly the features that the run reads: the weeks before the cut-off laid side by side (`feature@week`), with
nulls, and the numeric properties of the enrolment. Each training set is split into five folds by learner, or by course where
the test part is whole courses. Five models are each stopped early on one fold, and their raw scores are averaged, as with the
run's own members.

Prints JSON: both AUCs by cohort, and their difference on the same rows with a 95 % interval. For one split the interval is a
bootstrap over learners. For a repeated cross-validation it is Nadeau and Bengio's corrected t (2003) over folds. Needs
lightgbm, pyarrow and numpy.
"""

import argparse
import json
import pathlib
import zlib

import lightgbm
import numpy as np
import pyarrow.parquet as parquet

OPTIONS = dict(objective="binary", learning_rate=0.03, num_leaves=15, min_child_samples=40, subsample=0.8, subsample_freq=1,
               colsample_bytree=0.5, reg_lambda=5.0, verbosity=-1, deterministic=True, force_row_wise=True)
ROUNDS, PATIENCE, MEMBERS = 1500, 60, 5


def read(path, columns=None):
    """Reads columns of a Parquet file as arrays by name."""
    table = parquet.read_table(path, columns=columns)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def area(scores, labels):
    """Computes the AUC by mean ranks, where ties count half."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    positives = labels.sum()
    return (ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def design(sequences, scaler, week):
    """Reads enrolments, their places by key, and the matrix of the weeks before the cut-off."""
    source = [column["source"] for column in scaler["columns"]]
    weekly = [one["weekly"]["feature"] for one in source if "weekly" in one]
    fixed = [one["fixed"]["number"] for one in source if "fixed" in one]
    people = read(sequences / "enrolments.parquet", ["course_id", "enrolment_id", "learner_id", "dropout", *fixed])
    keys = list(zip(people["course_id"], people["enrolment_id"]))
    place = {key: row for row, key in enumerate(keys)}
    matrix = np.full((len(keys), len(weekly) * week + len(fixed)), np.nan, dtype=np.float32)
    rows = parquet.read_table(sequences / "sequences.parquet", columns=["course_id", "enrolment_id", "week", *weekly])
    rows = rows.filter(np.asarray(rows["week"]) < week)
    at = np.array([place[key] for key in zip(rows["course_id"].to_pylist(), rows["enrolment_id"].to_pylist())])
    weeks = np.asarray(rows["week"])
    for number, feature in enumerate(weekly):
        matrix[at, number * week + weeks] = rows[feature].to_numpy(zero_copy_only=False).astype(np.float32)
    for number, name in enumerate(fixed):
        matrix[:, len(weekly) * week + number] = people[name].astype(np.float32)
    return people, place, matrix


def forecast(matrix, labels, groups, train, test, threads, seed):
    """Computes mean raw scores of the test rows over five models, each stopped on a fifth of the training set's groups."""
    folds = np.array([zlib.crc32(f"{seed}:{group}".encode()) for group in groups[train]])
    order = {value: number % MEMBERS for number, value in enumerate(sorted(set(folds)))}
    folds = np.array([order[value] for value in folds])
    total = np.zeros(len(test))
    for member in range(MEMBERS):
        fit, stop = train[folds != member], train[folds == member]
        model = lightgbm.LGBMClassifier(n_estimators=ROUNDS, n_jobs=threads, random_state=seed + member, **OPTIONS)
        model.fit(matrix[fit], labels[fit], eval_set=[(matrix[stop], labels[stop])], eval_metric="auc",
                  callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])
        total += model.predict(matrix[test], raw_score=True)
    return total / MEMBERS


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("sequences", type=pathlib.Path)
parser.add_argument("run", type=pathlib.Path)
parser.add_argument("predictions")
parser.add_argument("--week", type=int, default=4)
parser.add_argument("--out")
parser.add_argument("--threads", type=int, default=2)
given = parser.parse_args()

manifest = json.loads((given.run / "manifest.json").read_text())
split = json.loads((given.run / "split.json").read_text())
folded = manifest.get("folds")
if folded:
    # A cross-validation stores no scaler; its features are in the manifest.
    scaler = {"columns": [{"source": {"weekly": {"feature": name}}} for name in manifest["features"]]
              + [{"source": {"fixed": {"number": name}}} for name in ("pre_start_events", "pre_start_active_days")]}
else:
    scaler = json.loads((given.run / "scaler.json").read_text())
people, place, matrix = design(given.sequences, scaler, given.week)
known = np.array([label is not None for label in people["dropout"]])
labels = np.array([label is True or label == 1 for label in people["dropout"]])

rows = read(given.predictions)
judged = (rows["week"] == given.week) & rows["in_all"]
rows = {name: values[judged] for name, values in rows.items()}
at = np.array([place[key] for key in zip(rows["course_id"], rows["enrolment_id"])])
peer = np.full(len(at), np.nan)
# Enrolments that training may learn from: those known by the cut-off, with a label.
learnable = known & np.isfinite(matrix).any(axis=1)
fold = np.full(len(at), 0)
if folded:
    stored = read(given.run / "out_of_fold.parquet", ["course_id", "enrolment_id", "repeat", "fold", "week"])
    of = {(repeat, place[key]): number for key, repeat, number, week in
          zip(zip(stored["course_id"], stored["enrolment_id"]), stored["repeat"], stored["fold"], stored["week"])
          if week == given.week}
    fold = np.array([of[key] for key in zip(rows["repeat"], at)])
    for repeat in range(folded["repeats"]):
        everyone = np.array([row for (of_repeat, row) in of if of_repeat == repeat])
        mine = np.array([of[(repeat, row)] for row in everyone])
        # A training set may use the rows that are evaluated in a test: known by then, with a label.
        judged_rows = set(at[rows["repeat"] == repeat])
        usable = np.array([row in judged_rows for row in everyone])
        for number in range(folded["folds"]):
            train = everyone[(mine != number) & usable & learnable[everyone]]
            here = (rows["repeat"] == repeat) & (fold == number)
            peer[here] = forecast(matrix, labels, people["learner_id"], train, at[here], given.threads, 100 * repeat + number)
else:
    wanted = {(course, key) for course, ids in split["training"].items() for key in ids}
    train = np.array([row for key, row in place.items() if key in wanted])
    train = train[learnable[train]]
    groups = people["course_id"] if split["held_out_by"] == "course" else people["learner_id"]
    peer = forecast(matrix, labels, groups, train, at, given.threads, 1)

answers = np.array([answer is True or answer == 1 for answer in rows["dropout"]])
own = rows["score"].astype(float)
report = {"lightgbm": lightgbm.__version__, "options": OPTIONS, "week": given.week, "cohorts": {}}
for cohort in ("all", "active"):
    inside = rows["in_" + cohort].astype(bool)
    found = {"rows": int(inside.sum() / (folded["repeats"] if folded else 1))}
    if folded:
        both = []
        for repeat in range(folded["repeats"]):
            for number in range(folded["folds"]):
                here = inside & (rows["repeat"] == repeat) & (fold == number)
                both.append((area(own[here], answers[here]), area(peer[here], answers[here])))
        both = np.array(both)
        difference = both[:, 0] - both[:, 1]
        # As training sets overlap, the variance of a mean over J folds is (1/J + test/train) s^2.
        spread = np.sqrt(difference.var(ddof=1) * (1 / len(difference) + 1 / (folded["folds"] - 1)))
        found |= {"staycast": both[:, 0].mean(), "lightgbm": both[:, 1].mean(), "difference": difference.mean(),
                  "low": difference.mean() - 1.96 * spread, "high": difference.mean() + 1.96 * spread,
                  "interval": "corrected t over folds, normal quantile"}
        pooled = [[area(scores[inside & (rows["repeat"] == repeat)], answers[inside & (rows["repeat"] == repeat)])
                   for repeat in range(folded["repeats"])] for scores in (own, peer)]
        found |= {"staycast_pooled": np.mean(pooled[0]), "lightgbm_pooled": np.mean(pooled[1])}
    else:
        scores, others, truth = own[inside], peer[inside], answers[inside]
        learners = np.unique(rows["learner_id"][inside].astype(str), return_inverse=True)[1]
        draw = np.random.default_rng(1)
        by_learner = np.argsort(learners, kind="stable")
        starts = np.searchsorted(learners[by_learner], np.arange(learners.max() + 2))
        differences = []
        for _ in range(1000):
            drawn = draw.integers(0, learners.max() + 1, learners.max() + 1)
            picked = np.concatenate([by_learner[starts[one]:starts[one + 1]] for one in drawn])
            differences.append(area(scores[picked], truth[picked]) - area(others[picked], truth[picked]))
        found |= {"staycast": area(scores, truth), "lightgbm": area(others, truth),
                  "difference": area(scores, truth) - area(others, truth),
                  "low": np.quantile(differences, 0.025), "high": np.quantile(differences, 0.975),
                  "interval": "bootstrap over learners, 1000 draws"}
    report["cohorts"][cohort] = {key: round(float(value), 5) if isinstance(value, (float, np.floating)) else value
                                 for key, value in found.items()}
print(json.dumps(report, indent=1))
if given.out:
    import pyarrow

    columns = {name: rows[name] for name in ("course_id", "enrolment_id", "repeat", "week")} | {"score": peer}
    parquet.write_table(pyarrow.table(columns), given.out)
