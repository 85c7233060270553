"""When an API key was last used: one that nobody uses should be revoked."""

from __future__ import annotations

from lapwing.store.migrations.script import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("alter table api_keys add column last_used_at timestamptz;")
