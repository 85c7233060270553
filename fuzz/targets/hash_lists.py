"""Hash lists as text, CSV and NDJSON. The first byte picks the form and the kind of bare values."""

from __future__ import annotations

import io

from promises import check_refusal

from lapwing.bank.canonical import canonical_value, shown_value
from lapwing.bank.importing import Format, read_indicators
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal

SEEDS = [
    b"\x00# a comment\n" + b"ab" * 16 + b"\nmd5 " + b"cd" * 16 + b"\nhttps://a.example/x\n",
    b"\x03" + b"0f" * 32 + b"\n",
    b"\x01kind,value,quality,valid_until\npdq," + b"0f" * 32 + b",90,2026-12-31\n",
    b"\x01md5;sha1\n" + b"ab" * 16 + b";" + b"cd" * 20 + b"\n",
    b'\x02{"kind":"url","value":"https://a.example/","category":"test"}\n{"md5":1}\n',
    b'\x02{"sha256":"' + b"ab" * 32 + b'","valid_from":"2026-01-01T00:00:00+01:00"}\n[]\n',
]
_FORMS = tuple(Format)
_KINDS = (None, IndicatorKind.PDQ, IndicatorKind.SHA256)


def one(data: bytes) -> None:
    first = data[0] if data else 0
    form, kind = _FORMS[first % 3], _KINDS[first // 3 % 3]
    try:
        for entry in read_indicators(io.BytesIO(data[1:]), form, kind=kind, line_bytes=512):
            if isinstance(entry, Refusal):
                check_refusal(entry)
            else:
                _check_value(entry.kind, entry.value)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"


def _check_value(kind: IndicatorKind, value: str) -> None:
    try:
        stored = canonical_value(kind, value)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    assert b"\0" not in stored or kind not in (IndicatorKind.URL, IndicatorKind.DOMAIN)
    assert canonical_value(kind, shown_value(kind, stored)) == stored, "canonical twice differs"
