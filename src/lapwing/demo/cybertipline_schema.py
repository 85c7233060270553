"""A stand-in for the CyberTipline's schema, made from our own structs.

The real one comes from the authority's endpoint and is not shipped. This one knows element order,
types and codes that we write ourselves, so that a rehearsal goes the same way as a report.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from xml.sax.saxutils import quoteattr

from msgspec.structs import fields

from lapwing.report.cybertipline.document import Report
from lapwing.report.cybertipline.files import FileDetails
from lapwing.report.cybertipline.parts import Part

_SIMPLE = {
    str: "xs:string",
    int: "xs:long",
    bool: "xs:boolean",
    float: "xs:double",
    datetime: "xs:dateTime",
    date: "xs:date",
}
_ANSWERS = """
<xs:element name="reportResponse"><xs:complexType><xs:sequence>
  <xs:element name="responseCode" type="xs:int"/>
  <xs:element name="responseDescription" type="xs:string"/>
  <xs:element name="reportId" type="xs:long" minOccurs="0"/>
  <xs:element name="fileId" type="xs:token" minOccurs="0"/>
  <xs:element name="hash" type="xs:token" minOccurs="0"/>
</xs:sequence></xs:complexType></xs:element>
<xs:element name="reportDoneResponse"><xs:complexType><xs:sequence>
  <xs:element name="responseCode" type="xs:int"/>
  <xs:element name="reportId" type="xs:long"/>
  <xs:element name="files"><xs:complexType><xs:sequence>
    <xs:element name="fileId" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element>
"""


@cache
def stand_in_schema() -> bytes:
    """XML Schema for `report`, `fileDetails` and the server's answers."""
    written = [
        f"<xs:element name={quoteattr(tag)}>{_complex(kind)}</xs:element>"
        for tag, kind in (("report", Report), ("fileDetails", FileDetails))
    ]
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">'
    return (head + "".join(written) + _ANSWERS + "</xs:schema>").encode()


def _complex(kind: type[Part]) -> str:
    hints = get_type_hints(kind)
    attributes, children = "", ""
    for one in fields(kind):
        inner, several = _inner(hints[one.name])
        needed = one.name in kind.REQUIRED
        if one.name in kind.ATTRIBUTES:
            use = ' use="required"' if needed else ""
            attributes += (
                f"<xs:attribute name={quoteattr(one.encode_name)}{use}>{_type(inner)}"
                "</xs:attribute>"
            )
        elif one.name != kind.TEXT:
            occurs = f' minOccurs="{int(needed)}"' + (' maxOccurs="unbounded"' if several else "")
            fixed = ' fixed="true"' if one.name in kind.FLAGS else ""
            children += (
                f"<xs:element name={quoteattr(one.encode_name)}{occurs}{fixed}>{_type(inner)}"
                "</xs:element>"
            )
    if kind.TEXT is not None:
        base = _SIMPLE[_inner(hints[kind.TEXT])[0]]
        return (
            f'<xs:complexType><xs:simpleContent><xs:extension base="{base}">{attributes}'
            "</xs:extension></xs:simpleContent></xs:complexType>"
        )
    return f"<xs:complexType><xs:sequence>{children}</xs:sequence>{attributes}</xs:complexType>"


def _type(inner: Any) -> str:
    if isinstance(inner, type) and issubclass(inner, Part):
        return _complex(inner)
    if get_origin(inner) is Literal or (isinstance(inner, type) and issubclass(inner, Enum)):
        codes = get_args(inner) or [one.value for one in inner]
        listed = "".join(f"<xs:enumeration value={quoteattr(code)}/>" for code in codes)
        return (
            f'<xs:simpleType><xs:restriction base="xs:string">{listed}'
            "</xs:restriction></xs:simpleType>"
        )
    return f'<xs:simpleType><xs:restriction base="{_SIMPLE[inner]}"/></xs:simpleType>'


def _inner(hint: Any) -> tuple[Any, bool]:
    """The type without None, and whether there may be several."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    return hint, False
