"""What lists ask for; marks on indicators, opinions, quarantine, match history; hosted callers."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
