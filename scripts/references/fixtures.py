"""Functions that the scripts for reference figures share: provenance, and the layout of the files."""

import json
import sys


def floats(values):
    """Converts numpy numbers to Python's, which JSON can hold."""
    return [float(value) for value in values]


def provenance(script, **versions):
    """Describes how a file was made. `versions` holds the versions of packages, with `_` for `-` in their names."""
    packages = {name.replace("_", "-"): version for name, version in versions.items()}
    return {
        "script": f"scripts/references/{script}",
        "python": sys.version.split()[0],
        **packages,
        "data": "drawn by the script from a fixed seed",
    }


def write(path, about, lists, single=None):
    """Writes a file: its provenance, lists of cases by name, and perhaps a last case by name.

    Each case is one line, so that a change shows in a diff.
    """
    parts = [f'"provenance": {json.dumps(about)}']
    for name, cases in lists.items():
        lines = ",\n".join(json.dumps(case) for case in cases)
        parts.append(f'"{name}": [\n{lines}\n]')
    for name, case in (single or {}).items():
        parts.append(f'"{name}":\n{json.dumps(case)}')
    path.write_text("{" + ",\n".join(parts) + "}\n")
