"""``python -m pytest_interp``: the same as the command ``pytest-interp``."""

import sys

from pytest_interp.cli import main

if __name__ == "__main__":
    sys.exit(main())
