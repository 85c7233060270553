"""Logs: one JSON line an event on standard error, from every process and every library.

What people wrote, sent or are called must never get into a log, whatever the code that logs hands
in. So a line has only the keys of `KEYS`, each value must have its key's shape, and of a library's
line only its place in the code is kept, for its text may quote a value. Of an error the type, the
SQLSTATE and the places are kept, never the message.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple
from uuid import UUID

import structlog

WITHHELD = "withheld"
"""Stands in a line for a value that has not the shape of its key."""

_PLACES = 8
_PLACE = re.compile(r"[\w<>.\- ]{1,100}:\d{1,7} [\w<>.]{1,100}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Key(NamedTuple):
    """A key that may be logged: what it means, and which values may stand under it."""

    meaning: str
    fits: Callable[[Any], bool]


def _words(pattern: str) -> Callable[[Any], bool]:
    shape = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and shape.fullmatch(value) is not None


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def _places(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(place, str) and _PLACE.fullmatch(place) for place in value
    )


_name = _words(r"[A-Za-z_][\w.]{0,99}")
_NAME = "a name from the code"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

KEYS: dict[str, Key] = {
    "event": Key("what happened, as `noun.verb`", _name),
    "level": Key("`debug`, `info`, `warning`, `error` or `critical`", _words(r"[a-z]{4,8}")),
    "timestamp": Key("when, RFC 3339 in UTC", _words(r"[0-9T:.Z-]{20,27}")),
    "process": Key("the process id", _number),
    "request_id": Key("32 hex digits; the caller has them too", _words(r"[0-9a-f]{32}")),
    "method": Key("of a request; `withheld` when not one of HTTP's own", _METHODS.__contains__),
    "route": Key("the pattern of a path, never the path", _words(r"unknown|/[\w/{}:.-]{0,150}")),
    "status": Key("of an answer", _number),
    "milliseconds": Key("how long it took", _number),
    "caller": Key("kind of caller: `member`, `api_key`, `partner` or `system`", _name),
    "organisation": Key("the organisation's id", _words(_UUID)),
    "error": Key("the type of an error", _name),
    "sqlstate": Key("PostgreSQL's code of an error", _words(r"[0-9A-Z]{5}")),
    "where": Key("places in the code, innermost last", _places),
    "logger": Key("the library whose line this stands for", _name),
    "job": Key("the id of a queued job", _number),
    "entrypoint": Key("the kind of a queued job", _name),
    "report": Key("the id of a report to an authority", _words(_UUID)),
    "step": Key("a step of filing a report", _name),
    "code": Key("an authority's code of its answer", _number),
    "answer_id": Key("an authority's own id of its answer", _words(r"[\w.:+/=-]{1,100}")),
    "worker": Key("the number of a worker process, from 1", _number),
    "count": Key("how many", _number),
    "reason": Key("why, as a word from the code", _name),
}


def keep_allowed(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """structlog processor: keys that are not on the list are dropped, other shapes withheld."""
    return {
        name: value if value is None or KEYS[name].fits(value) else WITHHELD
        for name, value in event.items()
        if name in KEYS
    }


class _StandardError:
    """Writes to whatever standard error is at the time, one line a call."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = msg


def _process(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event["process"] = os.getpid()
    return event


def _loud_enough(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if logging.getLevelNamesMapping()[method.upper()] < _Threshold.level:
        raise structlog.DropEvent
    return event


class _Threshold:
    level = logging.INFO


_stderr = _StandardError()

log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
    _stderr,
    processors=[
        _loud_enough,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _process,
        keep_allowed,
        structlog.processors.JSONRenderer(),
    ],
    wrapper_class=structlog.make_filtering_bound_logger("info"),
)


def say_request(
    *,
    request_id: str,
    method: str,
    route: str,
    status: int,
    milliseconds: float,
    caller: str | None,
    organisation: UUID | None,
) -> None:
    """`log.info("request", …)`: the same line at a fifth of the cost, for most lines are these.

    What repeats is checked and written as JSON once, the rest every time.
    """
    if _Threshold.level > logging.INFO:
        return
    head = _repeated(method, route, status, caller, organisation)
    _stderr.msg(
        f'{{"request_id": {_shown("request_id", request_id)}{head[0]}'
        f"{_shown('milliseconds', milliseconds)}{head[1]}"
        f'"{datetime.now(UTC).isoformat()[:-6]}Z", "process": {os.getpid()}}}'
    )


@lru_cache(4096)
def _repeated(
    method: str, route: str, status: int, caller: str | None, organisation: UUID | None
) -> tuple[str, str]:
    """What stands between the request id and the milliseconds, and between them and the time."""
    before = {"method": method, "route": route, "status": status}
    owner = None if organisation is None else str(organisation)
    after = {"caller": caller, "organisation": owner, "event": "request", "level": "info"}
    return (
        "".join(f', "{name}": {_shown(name, value)}' for name, value in before.items())
        + ', "milliseconds": ',
        "".join(f', "{name}": {_shown(name, value)}' for name, value in after.items())
        + ', "timestamp": ',
    )


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "null"
    if not KEYS[name].fits(value):
        return f'"{WITHHELD}"'
    return repr(value) if isinstance(value, int | float) else f'"{value}"'


def places(trace: TracebackType | None) -> list[str]:
    """The innermost places of a traceback as `file.py:12 function`; no values."""
    return [
        f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-_PLACES:]
    ]


def told(error: BaseException) -> dict[str, Any]:
    """What may be said of an error, as keys of a line."""
    said: dict[str, Any] = {"error": type(error).__name__, "where": places(error.__traceback__)}
    code = getattr(getattr(error, "orig", error), "sqlstate", None)
    return said | ({"sqlstate": code} if code else {})


def set_up_logs(level: int = logging.INFO) -> None:
    """Make this process log by these rules: its libraries, warnings and uncaught errors too.

    Lines below `level` are dropped; of libraries, lines below `warning`.
    """
    _Threshold.level = level
    root = logging.getLogger()
    root.handlers[:] = [_FromLibrary()]
    root.setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(
        told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
    )
    sys.unraisablehook = lambda told: _uncaught(
        told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
    )


class _FromLibrary(logging.Handler):
    """Turns a library's line into one of ours that says where it comes from."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        at = f"{record.filename}:{record.lineno} {record.funcName}"
        said = told(error) if error is not None else {"where": [at]}
        loud = {logging.WARNING: log.warning, logging.ERROR: log.error}
        write = loud.get(record.levelno, log.critical if record.levelno > 40 else log.info)
        write("library.said", logger=record.name, **said)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("process.crashed", **(told(error) | {"where": places(trace)}))
