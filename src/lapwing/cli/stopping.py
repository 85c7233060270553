"""`lapwing stop`: stops the embedded database. The web server stops with Ctrl-C or SIGTERM."""

from __future__ import annotations

import os

from lapwing.cli.output import Json, page, write_json
from lapwing.settings import Settings
from lapwing.store.embedded import EmbeddedPostgres


def stop(json: Json = False) -> None:
    """Stop the embedded database of this data folder.

    Any command starts it again. Commands and servers that still use it will fail.
    """
    settings = Settings.read(os.environ)
    stopped = EmbeddedPostgres(settings.home).stop()
    if json:
        write_json({"stopped": stopped})
        return
    page.print("The embedded database is stopped." if stopped else "It was not running.")
