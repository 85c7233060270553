"""VICS hash lists. The first byte puts a good beginning before the bytes, and cuts the pieces."""

from __future__ import annotations

import io

from promises import check_refusal

from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.errors import InvalidInput
from lapwing.model.hash_lists import ListedMedia

_MARK = b"http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#"
_MARK_2 = b"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#"
_STARTS = (
    b"",
    b'{"odata.metadata":"' + _MARK + b'Media","value":[',
    b'{"@odata.context":"' + _MARK_2 + b'Cases","value":[{"CaseID":"1","Media":[',
    b'\xef\xbb\xbf{"odata.metadata":"' + _MARK + b'Media",',
)
_MD5, _SHA1 = b"ab" * 16, b"cd" * 20
SEEDS = [
    b"\x01" + b'{"MediaID":1,"Category":1,"MD5":"' + _MD5 + b'","SHA1":"' + _SHA1 + b'"}]}',
    b'\x05{"MediaID":"2","Category":"2","MD5":"' + _MD5 + b'","IsSuspected":"true"},{"MD5":7}]}',
    b'\x09{"AlternativeHashes":[{"HashName":"PDQ","HashValue":"' + b"0f" * 32 + b'"}]}]}',
    b'\x02{"MD5":"' + _MD5 + b'","Exifs":[{"a":"\\"]}"}]}],"CaseNumber":"x"}]}',
    b'\x06{"MD5":"' + _MD5 + b'","DateUpdated":"2024-01-02T03:04:05+02:00"}]},{"Media":[]}]}',
    b'\x07"other":[1,{"a":2}],"value":[{"MD5":null},3,"x",[],{"SHA1":"' + _SHA1 + b'"}]}',
    b'\x00{"odata.metadata":"' + _MARK + b'Media","value":[]}',
    b"\x00[]",
]
LONGEST = 4096
_WIDTHS = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32}


def one(data: bytes) -> None:
    first = data[0] if data else 0
    piece = (1 << 20, 1, 7, 64)[first // 4 % 4]
    whole = _STARTS[first % 4] + data[1:]
    if whole.startswith(b"\xef"):
        piece = max(piece, 3)
    told = _read(whole, piece)
    if piece < 1 << 20:
        assert told == _read(whole, 1 << 20), "where the file is cut makes a difference"


def _read(data: bytes, piece: int) -> list[object] | None:
    told: list[object] = []
    last = 0
    try:
        file = VicsFile(io.BytesIO(data), piece=piece, longest=1 << 20)
        for entry in file:
            if isinstance(entry, ListedMedia):
                assert last < entry.number, "rows count upwards"
                last = entry.number
                assert entry.hashes, "a row without a hash"
                for kind, value in entry.hashes:
                    assert len(value) == _WIDTHS[kind]
                assert entry.dated is None or entry.dated.tzinfo is not None
                assert entry.media_id is None or len(entry.media_id) <= 101
            else:
                check_refusal(entry)
            told.append(entry)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return None
    assert len(file.left_out) < 700, "names without bound"
    return told
