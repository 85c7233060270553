"""Structs as XML in the schema's order, and XML of others read with every door shut.

lxml comes with the extra `reports`; without it Lapwing runs, and this module says what is missing.
No entity is resolved, no DTD and no network address is loaded, and huge trees are refused.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import fields

from lapwing.model.errors import InvalidInput, LimitExceeded, Unavailable
from lapwing.report.cybertipline.parts import Part

MOST_BYTES = 4 << 20
"""Of a schema or an answer."""

Element = Any


def lxml_etree() -> Any:
    """lxml.etree. Raises Unavailable where the extra is not installed."""
    try:
        from lxml import etree
    except ModuleNotFoundError:
        raise Unavailable(
            "reports need lxml; `pip install 'lapwing[reports]'` installs it"
        ) from None
    return etree


def element(part: Part, tag: str) -> Element:
    """The element of a part, its children in the order of the fields, absent ones left out."""
    made = lxml_etree().Element(tag)
    _fill(made, part)
    return made


def render(part: Part, tag: str) -> bytes:
    """A whole document in UTF-8. Raises InvalidInput for a character that XML cannot hold."""
    try:
        made = element(part, tag)
    except ValueError as error:
        raise InvalidInput(f"XML cannot hold a character of this {tag}", field=tag) from error
    etree = lxml_etree()
    return bytes(etree.tostring(made, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def parse(data: bytes, most: int = MOST_BYTES) -> Element:
    """The root element of a document from outside.

    Raises InvalidInput when it is not XML or brings a document type; LimitExceeded when too long.
    """
    if len(data) > most:
        raise LimitExceeded(f"an XML document is longer than {most:,} bytes")
    etree = lxml_etree()
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidInput(f"not XML: {error.msg}", line=error.lineno) from error
    if root.getroottree().docinfo.doctype:
        raise InvalidInput("an XML document with a document type is not read")
    return root


def _fill(made: Element, part: Part) -> None:
    kind = type(part)
    for one in fields(kind):
        value = getattr(part, one.name)
        if value is None or value == ():
            continue
        if one.name in kind.ATTRIBUTES:
            made.set(one.encode_name, _written(value))
        elif one.name == kind.TEXT:
            made.text = _written(value)
        elif one.name in kind.FLAGS:
            if value:
                _child(made, one.encode_name)
        else:
            for held in value if isinstance(value, tuple) else (value,):
                child = _child(made, one.encode_name)
                if isinstance(held, Part):
                    _fill(child, held)
                else:
                    child.text = _written(held)


def _child(parent: Element, tag: str) -> Element:
    return lxml_etree().SubElement(parent, tag)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _moment(at: datetime) -> str:
    """Milliseconds, in UTC. A naive time is written as it is: `checks` refuses it by name."""
    if at.tzinfo is None:
        return at.isoformat(timespec="milliseconds")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
