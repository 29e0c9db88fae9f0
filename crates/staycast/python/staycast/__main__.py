"""Runs the command line: ``python -m staycast``."""

import os
import sys

from staycast._commands import binary

if __name__ == "__main__":
    path = binary()
    os.execv(path, [path, *sys.argv[1:]])
