"""Writes crates/advice/fixtures/implicit_als.json: factors that the package implicit learns from who used what.

    pip install implicit
    python3 scripts/references/implicit_als.py
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import pathlib

import implicit
import numpy as np
import scipy
import scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares

from fixtures import floats, provenance, write

LEARNERS, ITEMS, GROUPS = 60, 24, 3
# An item that was used counts as 1 + 5 = 6; the package takes alpha times the value for all of it.
FACTORS, ALPHA, REGULARISATION = 16, 6.0, 0.1


def case():
    """Draws learners of three groups, each of which uses its own third of the items most."""
    draws = np.random.default_rng(20)
    chance = np.where(np.arange(LEARNERS)[:, None] % GROUPS == np.arange(ITEMS)[None, :] % GROUPS, 0.7, 0.1)
    used = draws.random((LEARNERS, ITEMS)) < chance
    used[np.arange(LEARNERS), draws.integers(0, ITEMS, LEARNERS)] = True
    model = AlternatingLeastSquares(
        factors=FACTORS, regularization=REGULARISATION, alpha=ALPHA, iterations=100, use_cg=False, dtype=np.float64,
        random_state=1, num_threads=1, use_gpu=False,
    )
    matrix = sparse.csr_matrix(used.astype(np.float64))
    model.fit(matrix, show_progress=False)
    learners = model.recalculate_user(np.arange(LEARNERS), matrix)
    return {
        "used": [[int(item) for item in np.flatnonzero(row)] for row in used],
        "item_factors": [floats(row) for row in model.item_factors],
        "learner_factors": [floats(row) for row in learners],
    }


write(
    pathlib.Path(__file__).parents[2] / "crates/advice/fixtures/implicit_als.json",
    provenance("implicit_als.py", implicit=implicit.__version__, numpy=np.__version__, scipy=scipy.__version__),
    {"cases": [case()]},
)
