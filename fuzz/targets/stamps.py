"""Answers of a time-stamping authority. The seed is a real one, of an authority made to be one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from rfc3161_client import decode_timestamp_response

from lapwing.evidence.heads import SignedHead
from lapwing.evidence.repository import Stamp
from lapwing.evidence.rfc3161 import TimestampAuthority
from lapwing.model.errors import IntegrityBroken

_FOLDER = Path(__file__).parents[1] / "seeds"
_AUTHORITY = TimestampAuthority.pinned("http://127.0.0.1:9/", _FOLDER / "stamp_root.pem")
_GENUINE = (_FOLDER / "stamp.tsr").read_bytes()
_AT = decode_timestamp_response(_GENUINE).tst_info.gen_time
_HEAD = SignedHead(
    organisation=UUID(int=1),
    size=3,
    root="00" * 32,
    at=datetime(2026, 3, 1, tzinfo=UTC),
    key_id="0" * 16,
    signature="00" * 64,
)

SEEDS = [_GENUINE, b"\x30\x03\x02\x01\x00", b"\x30\x05\x30\x03\x02\x01\x02"]


def one(data: bytes) -> None:
    stamp = Stamp(size=3, at=_AT, authority="", response=data)
    try:
        _AUTHORITY.check(_HEAD, stamp)
    except IntegrityBroken as error:
        assert data != _GENUINE, "the genuine stamp is refused"
        assert error.message.strip(), "a refusal without a reason"
        return
    assert decode_timestamp_response(data).tst_info.gen_time == _AT
