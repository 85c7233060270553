"""The server: one process that serves here, or several that `lapwing.web.workers` looks after.

With one worker everything runs in this process, so that nothing is left behind when it is killed.
Loopback is bound unless the settings say otherwise; TLS is for a proxy in front.
"""

from __future__ import annotations

import logging
from contextlib import closing

from lapwing.logs import set_up_logs
from lapwing.settings import Settings
from lapwing.web.door import listen
from lapwing.web.process import STOP_SECONDS, serve_here
from lapwing.web.workers import Workers


def serve(settings: Settings, *, workers: int = 1, stop_seconds: float = STOP_SECONDS) -> None:
    """Serve until SIGINT or SIGTERM, then finish requests and jobs under way and return.

    With several workers SIGHUP replaces them without losing a request; a single one it stops.
    Raises Unavailable when the address or the database cannot be had.
    """
    set_up_logs(logging.INFO if settings.access_log else logging.WARNING)
    with closing(listen(settings.host, settings.port)) as listener:
        if workers == 1:
            serve_here(settings, listener, stop_seconds)
        else:
            Workers(settings, listener, workers, stop_seconds).run()
