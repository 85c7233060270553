"""One form for every value: what is compared, stored and shown.

Guessing is only for values whose shape has one meaning; 64 hex digits have two and are never
guessed.
"""

from __future__ import annotations

from lapwing.bank.index.hits import HASH_WIDTHS
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import IndicatorKind
from lapwing.model.links import canonical_domain, canonical_url
from lapwing.model.videos import VIDEO_FRAME_BYTES

AMBIGUOUS = (
    "64 hex digits may be a PDQ hash or a SHA-256 hash; say which with the kind (pdq or sha256)"
)

_HEX = frozenset("0123456789abcdefABCDEF")
_BY_WIDTH: dict[int, tuple[IndicatorKind, ...]] = {
    32: (IndicatorKind.MD5,),
    40: (IndicatorKind.SHA1,),
    64: (IndicatorKind.PDQ, IndicatorKind.SHA256),
    2 * VIDEO_FRAME_BYTES: (IndicatorKind.VIDEO_FRAME,),
}


def canonical_value(kind: IndicatorKind, text: str) -> bytes:
    """The stored form: hash bytes, or the canonical URL or domain in UTF-8.

    Raises InvalidInput (field `value`) for anything that is not of this kind.
    """
    width = HASH_WIDTHS.get(kind)
    if width is None:
        canonical = _canonical_text(kind, text)
        return canonical.encode()
    digits = text.strip()
    if len(digits) == 2 * width:
        try:
            octets = bytes.fromhex(digits)
        except ValueError:
            octets = b""
        if len(octets) == width:  # fewer where there is white space between the digits
            return octets
    raise InvalidInput(f"a {kind} value has {2 * width} hex digits", field="value")


def shown_value(kind: IndicatorKind, value: bytes) -> str:
    """Lower-case hex, or the text."""
    return value.hex() if kind in HASH_WIDTHS else value.decode()


def possible_kinds(text: str) -> tuple[IndicatorKind, ...]:
    """The kinds that a bare value may be, by its shape; empty when it has none."""
    bare = text.strip()
    if _HEX.issuperset(bare):
        return _BY_WIDTH.get(len(bare), ())
    if "/" in bare or "?" in bare:
        return (IndicatorKind.URL,)
    if "." in bare and not any(letter.isspace() for letter in bare):
        return (IndicatorKind.DOMAIN,)
    return ()


def guessed_kind(text: str) -> IndicatorKind:
    """The one kind that a bare value can be. Raises InvalidInput (field `kind`) otherwise."""
    kinds = possible_kinds(text)
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        raise InvalidInput(AMBIGUOUS, field="kind")
    raise InvalidInput(
        "neither a hash (32, 40 or 64 hex digits) nor a link nor a domain", field="value"
    )


def _canonical_text(kind: IndicatorKind, text: str) -> str:
    try:
        return canonical_url(text).text if kind is IndicatorKind.URL else canonical_domain(text)
    except InvalidInput as error:
        raise type(error)(error.message, field="value") from error
