"""How `/v1/screen` describes its bodies: records are read by intake, not by a handler's types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema

from lapwing.intake.wire import RECORDS

_REF = "#/inline/"


def record_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of one item record: one alternative a kind, told apart by `kind`."""
    kinds, parts = msgspec.json.schema_components(RECORDS.values(), ref_template=_REF + "{name}")
    alternatives = []
    for kind, schema in zip(RECORDS, kinds, strict=True):
        whole = _inlined(schema, parts)
        whole["title"] = kind
        whole["properties"] |= {"kind": {"const": kind}}
        del whole["properties"]["source_id"]
        whole["properties"]["id"] = {"type": "string", "minLength": 1, "maxLength": 512}
        whole["required"] = ["kind", "id", *whole.get("required", [])]
        alternatives.append(whole)
    return {"oneOf": alternatives}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    """The schema without references, and with patterns as ECMA-262 writes them."""
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].removeprefix(_REF)], parts)
    inlined = {name: _inlined(value, parts) for name, value in schema.items()}
    if isinstance(inlined.get("pattern"), str):
        inlined["pattern"] = inlined["pattern"].replace(r"\Z", "$")
    return inlined


def _body(schema: dict[str, Any]) -> OpenAPIMediaType:
    return OpenAPIMediaType(schema=cast("Schema", schema))


@dataclass
class ScreenOperation(Operation):
    """The operation with its three kinds of body."""

    def __post_init__(self) -> None:
        record = record_schema()
        binary = {"type": "string", "contentMediaType": "application/octet-stream"}
        form = {
            "type": "object",
            "required": ["item"],
            "properties": {"item": record, "file": binary, "identity": binary},
        }
        self.request_body = RequestBody(
            required=True,
            description="One item, a batch of up to 10,000 lines, or one item with its file",
            content={
                "application/json": _body(record),
                "application/x-ndjson": _body(
                    {"type": "string", "description": "One item record a line"}
                ),
                "multipart/form-data": _body(form),
            },
        )
