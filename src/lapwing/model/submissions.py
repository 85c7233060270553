"""A submission: an item and the bytes that travel beside it."""

from __future__ import annotations

from msgspec import Struct

from lapwing.model.items import AnyItem


class Submission(Struct, frozen=True, kw_only=True):
    """`content` is dropped unless a case opens and the organisation may keep content.

    `identity` is the sealed identity envelope (names, e-mail, addresses that a report may need):
    kept in the vault when a case opens, dropped otherwise.
    """

    item: AnyItem
    content: bytes | None = None
    mime: str | None = None
    identity: bytes | None = None
