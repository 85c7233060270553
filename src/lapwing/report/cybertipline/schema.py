"""The authority's XML schema: fetched from its endpoint, kept beside the settings, not shipped."""

from __future__ import annotations

import os
import re
import secrets
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.report.cybertipline.xml import lxml_etree, parse
from lapwing.report.records import Fault

_XS = "{http://www.w3.org/2001/XMLSchema}"
_ELSEWHERE = frozenset({f"{_XS}import", f"{_XS}include", f"{_XS}redefine"})
_DOCUMENTS = frozenset({"report", "fileDetails", "reportResponse", "reportDoneResponse"})
_STEP = re.compile(r"([^/\[]+)(?:\[(\d+)\])?")


class Schema:
    """A loaded schema. Raises InvalidInput when the text is not this authority's schema."""

    def __init__(self, text: bytes) -> None:
        etree = lxml_etree()
        root = parse(text)
        declared = {one.get("name") for one in root.findall(f"{_XS}element")}
        if root.tag != f"{_XS}schema" or not declared >= _DOCUMENTS:
            raise InvalidInput("not the CyberTipline's schema: it declares no report")
        if any(one.tag in _ELSEWHERE for one in root):
            raise InvalidInput("the schema asks for another file; such a schema is not loaded")
        try:
            self._schema: Any = etree.XMLSchema(root)
        except etree.XMLSchemaParseError as error:
            raise InvalidInput(f"the schema cannot be used: {error}") from error
        # The log of errors belongs to the schema, not to the call.
        self._lock = threading.Lock()

    def faults(self, document: bytes) -> tuple[Fault, ...]:
        """What the schema says against a document, by dotted name."""
        root = parse(document)
        with self._lock:
            if self._schema.validate(root):
                return ()
            return tuple(
                Fault(field=_dotted(error.path), reason=_plain(error.message))
                for error in self._schema.error_log
            )


def load_schema(path: Path) -> Schema:
    """Raises Unavailable where it has not been fetched."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise Unavailable(
            "the CyberTipline's schema is not here yet; `lapwing report schema --fetch` gets it "
            "from the endpoint"
        ) from None
    except OSError as error:
        raise Unavailable(f"the CyberTipline's schema cannot be read: {error}") from error
    return _compiled(text)


@lru_cache(maxsize=4)
def _compiled(text: bytes) -> Schema:
    """Compiling takes a fraction of a second, so it is done once a text."""
    return Schema(text)


def keep_schema(path: Path, text: bytes) -> None:
    """Put a fetched schema in place, whole or not at all, once it has shown itself usable."""
    Schema(text)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _dotted(path: str | None) -> str:
    """`/report/victim[2]/victimPerson` as `victim.1.victimPerson`; the root is left out."""
    steps = _STEP.findall(path or "")[1:]
    said = [name if not number else f"{name}.{int(number) - 1}" for name, number in steps]
    return ".".join(said) or "document"


def _plain(message: str) -> str:
    return re.sub(r"^Element '[^']*'(?:, attribute '[^']*')?: ", "", message)
