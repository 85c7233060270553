"""ICSE hash lists and catalogues in CSV. The first byte picks, and puts a good header before."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from promises import check_refusal

from lapwing.intake.catalogues import read_catalogue
from lapwing.intake.hash_lists.icse import COLUMNS, IcseFile
from lapwing.model.errors import InvalidInput
from lapwing.model.refusals import Refusal

_HEADER = ";".join(COLUMNS).encode() + b"\r\n"
_MD5, _SHA1 = b"ab" * 16, b"cd" * 20
SEEDS = [
    b"\x01" + _MD5 + b";" + _SHA1 + b";;7;true;false;false;Sun;3;true;image;true\r\n",
    b"\x01" + _MD5 + b"\r\n" + _MD5 + b';;;;;;;"a;b";;;;FALSE\r\n',
    b"\x01" + _MD5 + b';"open\r\n' + _MD5 + b";;;;;;;;;;;0\n;;;;;;;;;;;\n",
    b"\x00\xef\xbb\xbf" + _HEADER + _MD5 + b";;;;;;;;;;;true\n",
    b"\x02id,pdq,quality,md5\na," + b"0f" * 32 + b",80,\nb,,,zz\n",
    b'\x02id;sha1\n"a\nb";' + _SHA1 + b"\n7;x\n",
]
LONGEST = 4096
_FOLDER = tempfile.TemporaryDirectory(prefix="lapwing-fuzz-")
_WIDTHS = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32}


def one(data: bytes) -> None:
    first = data[0] if data else 0
    rest = data[1:]
    try:
        if first % 3 == 2:
            path = Path(_FOLDER.name, "catalogue.csv")
            path.write_bytes(rest)
            entries = list(read_catalogue(path))
        else:
            whole = _HEADER + rest if first % 3 else rest
            entries = list(IcseFile(io.BytesIO(whole), line_bytes=512))
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    for entry in entries:
        if isinstance(entry, Refusal):
            check_refusal(entry)
        else:
            assert entry.hashes, "a row without a hash"
            for kind, value in entry.hashes:
                assert len(value) == _WIDTHS[kind]
