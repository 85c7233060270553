"""The command line. Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with refused rows."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `lapwing`: runs a command and turns errors into exit codes."""
    from lapwing.cli.main import run

    sys.exit(run(sys.argv[1:]))
