"""The console's own files: style sheet and browser libraries, from this host only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from litestar import Router
from litestar.file_system import BaseLocalFileSystem
from litestar.static_files import create_static_files_router

from lapwing.web.authority import PUBLIC

FOLDER = Path(__file__).parent.parent / "static"

_LONGEST = 255
"""Bytes of a name on any file system of Linux and macOS."""


class OwnFiles(BaseLocalFileSystem):
    """The disk, where a name that no file can have is simply not there."""

    async def info(self, path: Any, **options: Any) -> Any:
        name = str(path).removeprefix(str(FOLDER))
        if "\0" in name or len(os.fsencode(name)) > _LONGEST:
            raise FileNotFoundError(path)
        return await super().info(path, **options)


def static_files() -> Router:
    return create_static_files_router(
        path="/static",
        directories=[FOLDER],
        name="static",
        include_in_schema=False,
        opt=dict(PUBLIC),
        cache_control=None,
        file_system=OwnFiles(),
    )


def has_htmx() -> bool:
    """Whether the browser libraries were fetched; pages work without them."""
    return (FOLDER / "vendor" / "htmx.min.js").is_file()
