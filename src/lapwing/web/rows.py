"""JSON records and lines of them, within limits of length, depth and number."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from lapwing.intake.checks import check_depth
from lapwing.intake.limits import Limits
from lapwing.model.errors import InvalidInput, LapwingError, LimitExceeded
from lapwing.model.refusals import Refusal, refusal_of

MAX_ROWS = 10_000


class Head(Struct, frozen=True):
    """What has to be known of a record before intake reads it."""

    kind: Any = UNSET
    id: Any = UNSET
    source_id: Any = UNSET
    url: Any = UNSET
    pdq: Any = UNSET
    md5: Any = UNSET
    sha1: Any = UNSET
    sha256: Any = UNSET

    @property
    def wants_fetch(self) -> bool:
        """A picture known only by where it lies."""
        hashes = (self.pdq, self.md5, self.sha1, self.sha256)
        return self.kind == "media" and isinstance(self.url, str) and set(hashes) <= {UNSET, None}

    @property
    def named(self) -> str | None:
        """The sender's id of the item, where it gave one."""
        for identity in (self.source_id, self.id):
            if isinstance(identity, str | int) and not isinstance(identity, bool):
                return str(identity)[:512]
        return None


class Row(Struct, frozen=True):
    """One record as sent. `line` counts from 1 and is None for a single item."""

    text: bytes
    head: Head
    line: int | None = None

    @property
    def kind(self) -> str:
        """Raises InvalidInput where the record does not say."""
        if isinstance(self.head.kind, UnsetType) or self.head.kind is None:
            raise InvalidInput("missing", field="kind")
        if not isinstance(self.head.kind, str):
            raise InvalidInput("must be a text", field="kind")
        return self.head.kind


_heads = msgspec.json.Decoder(Head)


def read_row(text: bytes, limits: Limits, line: int | None = None) -> Row:
    """One JSON object. Raises InvalidInput, LimitExceeded for one too long or too deep."""
    if len(text) > limits.line_bytes:
        raise LimitExceeded(f"a record is longer than {limits.line_bytes:,} bytes")
    check_depth(text, limits.json_depth)
    try:
        return Row(text, _heads.decode(text), line)
    except msgspec.ValidationError as error:
        # Of a record's head every value is taken as it is, but for numbers beyond 64 bits.
        _, _, field = str(error).partition(" - at `$.")
        if field:
            raise InvalidInput("the number is out of range", field=field.rstrip("`")) from error
        raise InvalidInput("a record must be a JSON object") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}") from error


def read_rows(body: bytes, limits: Limits, most: int) -> tuple[list[Row], list[Refusal]]:
    """Lines of NDJSON; empty ones are passed over. Raises LimitExceeded beyond `most` records."""
    rows: list[Row] = []
    refused: list[Refusal] = []
    for line, text in enumerate(body.split(b"\n"), 1):
        if not text or text.isspace():
            continue
        if len(rows) + len(refused) == most:
            raise LimitExceeded(f"at most {most:,} records a request", line=line)
        try:
            rows.append(read_row(text, limits, line))
        except LapwingError as error:
            refused.append(refusal_of(error, line=line))
    return rows, refused
