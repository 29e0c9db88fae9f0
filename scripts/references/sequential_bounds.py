"""Reference bounds of sequential experiments in crates/advice, from the integration of the PyPI package gsdesign.

Writes crates/advice/tests/fixtures/sequential_bounds.json, with which the crate's tests agree to 5e-6.
Run it from the repository root:

    python3 scripts/references/sequential_bounds.py

gsdesign 0.1 has the recursion of gsDesign (`h1`, `hupdate`) and no search for bounds, so bounds are found by bisection here, on a much finer grid than the crate's.
Spending functions are those of R's gsDesign, `sfLDOF` and `sfLDPocock`, on each side with half of alpha.
"""

from importlib.metadata import version
from math import e, inf, log, sqrt
from pathlib import Path
from statistics import NormalDist

from gsdesign import h1, hupdate

from fixtures import provenance, write

OUT = Path("crates/advice/tests/fixtures/sequential_bounds.json")
R = 160
NORMAL = NormalDist()


def spent(spending, alpha, t):
    """The level spent on one side at the information fraction t."""
    if spending == "obrien-fleming":
        return 2 * (1 - NORMAL.cdf(NORMAL.inv_cdf(1 - alpha / 2) / sqrt(t)))
    return alpha * log(1 + (e - 1) * t)


def mass(grid):
    return float(sum(grid[2]))


def step(before, fractions, look, theta, low, high):
    """The distribution at a look, restricted to low..high."""
    if look == 0:
        return h1(R, theta, fractions[0], low, high)
    return hupdate(R, theta, fractions[look], low, high, theta, fractions[look - 1], before)


def find_bounds(spending, alpha, fractions, times=None):
    found, done, before = [], 0.0, None
    for look, time in enumerate(times or fractions):
        due = spent(spending, alpha / 2, time)
        low, high = 0.0, 12.0
        for _ in range(80):
            middle = (low + high) / 2
            if mass(step(before, fractions, look, 0.0, middle, inf)) > due - done:
                low = middle
            else:
                high = middle
        found.append(high)
        done = due
        before = step(before, fractions, look, 0.0, -high, high)
    return found


def find_inflation(spending, alpha, power, fractions):
    bounds = find_bounds(spending, alpha, fractions)

    def reached(drift):
        before = None
        for look, bound in enumerate(bounds):
            before = step(before, fractions, look, drift, -bound, bound)
        return 1 - mass(before)

    fixed = NORMAL.inv_cdf(1 - alpha / 2) + NORMAL.inv_cdf(power)
    low, high = fixed * 0.9, fixed * 2
    for _ in range(60):
        middle = (low + high) / 2
        if reached(middle) < power:
            low = middle
        else:
            high = middle
    return (high / fixed) ** 2


GRIDS = [[0.5, 1.0], [1 / 3, 2 / 3, 1.0], [0.25, 0.5, 0.75, 1.0], [0.2, 0.35, 0.8, 1.0], [0.3, 0.45, 0.71]]
bounds = [
    dict(spending=spending, alpha=alpha, fractions=fractions, bounds=find_bounds(spending, alpha, fractions))
    for spending in ("obrien-fleming", "pocock")
    for alpha in (0.05, 0.01)
    for fractions in GRIDS
]
# The level is spent by other shares than those of the information: less came than was planned.
bounds += [
    dict(spending=spending, alpha=0.05, fractions=fractions, times=times, bounds=find_bounds(spending, 0.05, fractions, times))
    for spending in ("obrien-fleming", "pocock")
    for fractions, times in [([0.25, 0.5, 0.6], [0.25, 0.5, 1.0]), ([0.4, 1.3], [0.4, 1.0])]
]
power = [
    dict(spending=spending, alpha=0.05, power=0.8, fractions=fractions, inflation=find_inflation(spending, 0.05, 0.8, fractions))
    for spending in ("obrien-fleming", "pocock")
    for fractions in GRIDS[:3]
]
OUT.parent.mkdir(parents=True, exist_ok=True)
write(OUT, {**provenance("sequential_bounds.py", gsdesign=version("gsdesign")), "data": "none: bounds follow from the design"},
      {"bounds": bounds, "power": power})
