"""A real PostgreSQL 18 beside the data, started on demand from the wheel's programs."""

from lapwing.store.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
