"""Records of the API: lines of a body, and one record as every kind of item."""

from __future__ import annotations

from promises import KINDS, LIMITS, builder, check_item, check_refusal

from lapwing.intake.checks import UnknownField
from lapwing.model.errors import InvalidInput
from lapwing.web.rows import read_row, read_rows
from targets import ndjson_items

SEEDS = [b'{"kind":"url","id":"1","url":"https://a.example/"}'] + [
    seed[1:] for seed in ndjson_items.SEEDS
]


def one(data: bytes) -> None:
    make = builder()
    try:
        rows, refused = read_rows(data, LIMITS, 100)
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    for refusal in refused:
        check_refusal(refusal)
    for row in rows[:3]:
        for kind in KINDS:
            try:
                item = make.build_json(kind, row.text)
            except UnknownField as error:
                assert error.field is not None
            except InvalidInput as error:
                assert error.message.strip(), "a refusal without a reason"
            else:
                check_item(item)
    try:
        assert read_row(data, LIMITS).text == data
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
