"""Time stamps on ledger heads."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
