"""Items as NDJSON, with and without a map of names. The first byte picks the kind."""

from __future__ import annotations

import io

from promises import KINDS, LIMITS, builder, check_entries

from lapwing.intake.readers import read_items

SEEDS = [
    b'\x00{"id":"1","sha256":"' + b"ab" * 32 + b'","account":"7"}\n',
    b'\x01{"id":1,"text":"See you at noon","links":["https://a.example/"],"surface":"public"}\n{}\n',
    b'\x02{"id":"2","text":"Bicycle","price":"80","pictures":[{"pdq":"' + b"0f" * 32 + b'"}]}',
    b'\x03{"id":"3","amount":"100.50","currency":"EUR","memo":"rent"}\r\n',
    b'\x04{"id":"4","url":"https://a.example/x","at":"2026-01-31T18:00:00Z"}\n\n{"id":',
    b'\x05{"id":"5","action":"join","other":"8","room":"chess"}\n',
    b'\x06{"id":"6","room":"chess","private":false}\n',
    b'\x87{"name":"7","text":"I like chess"}\n{"text":"\\ud800","name":"8"}\n',
    b"\x01\xef\xbb\xbf{" + b"[" * 50 + b"}\n",
]


def one(data: bytes) -> None:
    first = data[0] if data else 0
    kind = KINDS[first % 128 % len(KINDS)]
    columns = {"id": "name"} if first >= 128 else None
    check_entries(read_items(io.BytesIO(data[1:]), kind, builder(), LIMITS, columns))
