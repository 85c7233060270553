"""Totals over all organisations, for the numbers that an operator watches."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
