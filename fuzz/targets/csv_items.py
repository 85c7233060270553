"""Items as CSV. The first byte picks the kind, or puts a good header before the bytes."""

from __future__ import annotations

import io

from promises import KINDS, LIMITS, builder, check_entries

from lapwing.intake.readers import read_items

SEEDS = [
    b"\x00id,sha256,account\n1," + b"ab" * 32 + b",7\n",
    b"\x01id;text;links\r\n1;See you at noon;https://a.example/ https://b.example/\r\n",
    b'\x02id\ttext\tpictures\n1\t"Bi\ncycle"\t"[{""md5"":""' + b"00" * 16 + b'""}]"\n',
    b"\x03id,amount,currency\n1,100.50,EUR\n2,x,EUR\n",
    b"\x04id,url\n1,https://a.example/\n2,",
    b'\x811,"open quote\n2,fine\n3,fine too\n',
    b"\x81\xff\xfe1\x00,\xff\n",
]


def one(data: bytes) -> None:
    first = data[0] if data else 0
    kind, rows = KINDS[first % 128 % len(KINDS)], data[1:]
    if first >= 128:
        kind, rows = "message", b"id,text,links,pictures,at\n" + rows
    check_entries(read_items(io.BytesIO(rows), kind, builder(), LIMITS))
