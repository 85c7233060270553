"""Cases that cannot wait, who answers when nobody else has, and what is still owed to the law."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
