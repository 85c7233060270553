"""Passkeys, recovery, named sessions, permissions, rate limits and the second person."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
