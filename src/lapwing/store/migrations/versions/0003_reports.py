"""Reports to authorities and their files; a legal hold on content."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
