"""Every route, with something in place of its parameters, for tests that try them all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from litestar.handlers import BaseRouteHandler

from web_world import Side

PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
PASSWORDS = "root:"

Routes = Sequence[tuple[str, str, BaseRouteHandler]]
"""(path, method, handler)"""


def filled(route: str, side: Side, **values: str) -> str:
    """The route's path with something in place of each parameter."""
    known = {"uuid": str(side.kept), "int": "0", "str": str(side.case), "path": "console.css"}
    return PARAMETER.sub(lambda part: values.get(part[1], known[part[2]]), route)


def is_page(handler: BaseRouteHandler) -> bool:
    return "page" in handler.opt
