"""The bytes of pictures on a case page: the cover for every member, the clear one after a press."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from PIL import Image

from lapwing.intake.media.decode import decode
from lapwing.model.errors import NotAllowed
from lapwing.model.permissions import Permission
from lapwing.web.authority import by_member
from lapwing.web.given import CallerGiven, HouseGiven

_PICTURE: dict[str, Any] = {
    "sync_to_thread": True,
    "include_in_schema": False,
}
_SHOWN = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"}
)
"""Types that browsers show and that cannot run anything (SVG can)."""
_REDRAWN = frozenset({"image/tiff"})
"""Types that browsers do not show, sent as PNG instead."""


@get(
    "/console/objects/{object_id:uuid}/cover",
    name="console_cover",
    opt=by_member(Permission.CASES_READ),
    **_PICTURE,
)
def cover(house: HouseGiven, caller: CallerGiven, object_id: FromPath[UUID]) -> Response[bytes]:
    """The grey, blurred derivative."""
    with house.database.organisation(caller.organisation) as connection:
        found = house.vault.cover(connection, caller.organisation, object_id)
    return Response(found, media_type="image/jpeg")


@get(
    "/console/objects/{object_id:uuid}/clear",
    name="console_clear",
    opt=by_member(Permission.CONTENT_UNCOVER),
    **_PICTURE,
)
def clear(house: HouseGiven, caller: CallerGiven, object_id: FromPath[UUID]) -> Response[bytes]:
    """The picture itself, to the member who has uncovered it; each serving is in the ledger."""
    # What cannot be shown is refused inside the transaction: then the ledger claims no look.
    with house.database.organisation(caller.organisation) as connection:
        found, mime = house.vault.open(connection, caller.organisation, caller.person, object_id)
        if mime in _REDRAWN:
            found, mime = _as_png(found), "image/png"
        if mime not in _SHOWN:
            raise NotAllowed(f"content of type {mime} is not shown in a page")
    return Response(found, media_type=mime)


def _as_png(content: bytes) -> bytes:
    """The whole picture as PNG. Raises NotAllowed where only a part of it would be seen."""
    decoded = decode(content)
    if decoded.notes:
        raise NotAllowed(f"this picture is not shown in a page: {', '.join(decoded.notes)}")
    written = io.BytesIO()
    Image.fromarray(decoded.rgb).save(written, "PNG", compress_level=1)
    return written.getvalue()


PICTURES: list[HTTPRouteHandler] = [cover, clear]
