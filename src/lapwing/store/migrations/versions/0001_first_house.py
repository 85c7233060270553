"""The first house: organisations, bank, items, cases, ledger, vault, job queue."""

from __future__ import annotations

from pathlib import Path

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

from lapwing.store.migrations.script import run
from lapwing.store.queue import QUEUE

revision = "0001"
down_revision = None


def upgrade() -> None:
    run(Path(__file__).with_suffix(".sql").read_text())
    run(QueryBuilderEnvironment(QUEUE).build_install_query())
    run(
        f"""
        grant usage on type {QUEUE.queue_status_type} to lapwing_app;
        do $$
        declare queue_table text;
        begin
          foreach queue_table in array array[
            '{QUEUE.queue_table}', '{QUEUE.queue_table_log}',
            '{QUEUE.statistics_table}', '{QUEUE.schedules_table}'
          ] loop
            execute format('grant select, insert, update, delete on %I to lapwing_app',
                           queue_table);
            execute format('grant usage on sequence %s to lapwing_app',
                           pg_get_serial_sequence(queue_table, 'id'));
          end loop;
        end $$
        """
    )
