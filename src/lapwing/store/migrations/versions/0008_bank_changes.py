"""A mark for each change of the bank, by which a file of it is told from another history's."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
