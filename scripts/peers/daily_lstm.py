"""Trains an LSTM over days in PyTorch, with inputs of its own from the logs: a peer of the transfer benchmark (transfer.py).

Each day before the cut-off is a step, and one step before them holds all earlier days. The inputs of a step are the logarithms of
its events by kind and of all of them, whether there was any, where in the weeks it lies and, for OULAD, submissions and their
scores. The mean of the log-odds of several networks, each stopped early on one fold of the training rows by its AUC.

Reads OULAD's tables, daily counts of KDD Cup 2015 (datasets/kdd-daily.md), and logs in the layout of KDD Cup 2015.
"""

import pathlib

import numpy as np
import pandas
import pyarrow.csv
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

OPTIONS = dict(hidden=32, dropout=0.3, input_dropout=0.1, learning_rate=0.003, weight_decay=0.01, batch=128, epochs=60, patience=6)


def table(path):
    """Reads a table of text cells, packed or not."""
    packed = path.with_name(path.name + ".zst")
    path = packed if packed.exists() else path
    with path.open("rb") as file:
        names = pyarrow.CompressedInputStream(file, "zstd") if path == packed else file
        header = names.read(4096).decode().splitlines()[0].replace('"', "").split(",")
    text = pyarrow.csv.ConvertOptions(column_types={name: pyarrow.string() for name in header})
    # Simulated logs have broken rows on purpose.
    whole = pyarrow.csv.ParseOptions(invalid_row_handler=lambda row: "skip")
    return pyarrow.csv.read_csv(path, convert_options=text, parse_options=whole).to_pandas()


def day_numbers(days, starts):
    """Counts days from the start of each course."""
    return (pandas.to_datetime(days, format="%Y-%m-%d", errors="coerce") - pandas.to_datetime(starts)).dt.days


def log_of(folder, people):
    """Reads a log as rows of enrolment (its place in `people`), day of the course, kind and value."""
    folder = pathlib.Path(folder)
    place = {key: row for row, key in enumerate(people.enrolment_id)}
    if (folder / "studentInfo.csv").exists():
        clicks, sites = table(folder / "studentVle.csv"), table(folder / "vle.csv")
        kinds = dict(zip(zip(sites.code_module, sites.code_presentation, sites.id_site), sites.activity_type))
        ids = zip(clicks.code_module, clicks.code_presentation, clicks.id_site)
        clicks = clicks.assign(kind=[kinds[key] for key in ids], day=clicks.date.astype(int), value=clicks.sum_click.astype(float))
        handed_in = table(folder / "studentAssessment.csv").merge(table(folder / "assessments.csv"), on="id_assessment")
        handed_in = handed_in[~handed_in.is_banked.isin(["1", "True", "true"])]
        handed_in = handed_in.assign(day=handed_in.date_submitted.astype(int))
        submitted = handed_in.assign(kind=" submission", value=1.0)
        scored = handed_in.assign(kind=" score", value=pandas.to_numeric(handed_in.score, errors="coerce").fillna(0) / 20)
        log = pandas.concat([clicks, submitted, scored])
        log["enrolment"] = log.code_module + "-" + log.code_presentation + "/" + log.id_student
    else:
        daily = (folder / "enrollments.csv").exists()
        log = table(folder / ("daily_counts.csv" if daily else "log.csv"))
        starts = table(folder / ("courses.csv" if daily else "date.csv"))
        starts = dict(zip(starts.course_id, starts["from"]))
        course = dict(zip(people.enrolment_id, people.course_id))
        log = log.rename(columns={"enrollment_id": "enrolment", "event": "kind"})
        log = log[log.enrolment.isin(place)]
        log["day"] = day_numbers((log.date if daily else log.time.str[:10]), log.enrolment.map(course).map(starts))
        log["value"] = log["count"].astype(float) if daily else 1.0
    log = log[log.enrolment.isin(place)]
    return log.assign(row=log.enrolment.map(place))[["row", "day", "kind", "value"]]


def steps(folder, people, week):
    """Returns the inputs of every enrolment as [enrolment][step][input]; nothing in them is of the cut-off's day or later."""
    log = log_of(folder, people)
    log = log[log.day < 7 * week].astype({"day": int})
    kinds, kind = np.unique(log.kind.to_numpy().astype(str), return_inverse=True)
    counts = np.zeros((len(people), 1 + 7 * week, len(kinds)), np.float32)
    np.add.at(counts, (log.row.to_numpy(), log.day.to_numpy().clip(-1) + 1, kind), log.value.to_numpy())
    # Submissions and scores are no clicks.
    total = counts[:, :, [not name.startswith(" ") for name in kinds]].sum(2, keepdims=True)
    at = np.broadcast_to(np.arange(1 + 7 * week, dtype=np.float32)[None, :, None], total.shape)
    return np.concatenate([np.log1p(counts), np.log1p(total), total > 0, at], axis=2).astype(np.float32)


class Model(nn.Module):
    """One layer, and the log-odds of dropout after each day."""

    def __init__(self, inputs):
        super().__init__()
        self.lstm = nn.LSTM(inputs, OPTIONS["hidden"], batch_first=True)
        self.head = nn.Linear(OPTIONS["hidden"], 1)

    def forward(self, x):
        return self.head(nn.functional.dropout(self.lstm(x)[0], OPTIONS["dropout"], self.training)).squeeze(-1)


def network(x, y, fit, stop, test, seed):
    """Trains one network, and returns its log-odds for `test` at the epoch that is best on `stop`."""
    torch.manual_seed(seed)
    model = Model(x.shape[2])
    optimiser = torch.optim.AdamW(model.parameters(), OPTIONS["learning_rate"], weight_decay=OPTIONS["weight_decay"])
    draw = np.random.default_rng(seed)
    batch = int(np.clip(len(fit) // 20, 16, OPTIONS["batch"]))
    best, since, kept_state = -1.0, 0, None
    for _ in range(OPTIONS["epochs"]):
        model.train()
        for rows in np.array_split(draw.permutation(fit), max(1, len(fit) // batch)):
            kept = (torch.rand(len(rows), 1, x.shape[2]) >= OPTIONS["input_dropout"]) / (1 - OPTIONS["input_dropout"])
            # The first week tells little; every later day is a forecast too, and the last one counts as much as all of these.
            logits = model(x[rows] * kept)[:, 7:]
            loss = nn.functional.binary_cross_entropy_with_logits(logits, y[rows, None].expand_as(logits), reduction="none")
            optimiser.zero_grad()
            (loss.mean() + loss[:, -1].mean()).backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            auc = roc_auc_score(y[stop].numpy(), model(x[stop])[:, -1].numpy())
            since += 1
            if auc > best:
                best, since = auc, 0
                kept_state = {name: values.clone() for name, values in model.state_dict().items()}
        if since == OPTIONS["patience"]:
            break
    model.load_state_dict(kept_state)
    with torch.no_grad():
        return model(x[test])[:, -1].numpy().astype(float), best


def daily_lstm(folder, people, week, y, train, fold, test, seed, threads):
    """Returns the mean log-odds of networks that hold out one fold each."""
    torch.set_num_threads(threads)
    x = steps(folder, people, week)
    rows = x[train].reshape(-1, x.shape[2])
    deviation = rows.std(0)
    varies = deviation > 1e-6
    x = torch.from_numpy(np.clip((x[:, :, varies] - rows.mean(0)[varies]) / deviation[varies], -6, 6))
    y = torch.from_numpy(y.astype(np.float32))
    trained = [network(x, y, train[fold != number], train[fold == number], test, seed + int(number)) for number in np.unique(fold)]
    return np.mean([scores for scores, _ in trained], axis=0), float(np.mean([auc for _, auc in trained]))
