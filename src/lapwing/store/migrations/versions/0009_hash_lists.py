"""Hashes of one picture belong together; when a list's source last changed them."""

from __future__ import annotations

from pathlib import Path

from lapwing.store.migrations.script import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
