"""What an authority's server answers, and the details of a report that a member types."""

from __future__ import annotations

from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.answers import Meaning, read_answer
from lapwing.report.cybertipline.xml import parse
from lapwing.report.typed import read_typed

SEEDS = [
    b'\x00<?xml version="1.0"?><reportResponse><responseCode>0</responseCode>'
    b"<responseDescription>Success</responseDescription><reportId>4564654</reportId>"
    b"</reportResponse>",
    b"\x00<reportDoneResponse><responseCode>0</responseCode><reportId>1</reportId>"
    b"<files><fileId>a</fileId><fileId>b</fileId></files></reportDoneResponse>",
    b"\x01<html><body>502 Bad Gateway</body></html>",
    b'\x02<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><reportResponse>&c;</reportResponse>',
    b"\x03<a>" + b"<b>" * 300,
    b'\x04{"files":{"a":{}},"additional_info":"x"}',
]
_STATUS = (200, 502, 401, 404)


def one(data: bytes) -> None:
    first, body = data[0] if data else 0, data[1:]
    answer = read_answer(_STATUS[first % 4], body, None)
    assert answer.meaning in Meaning
    assert len(answer.said) <= 500
    if answer.meaning is Meaning.DONE:
        parse(body)
    try:
        read_typed(body)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
