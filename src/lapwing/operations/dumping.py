"""PostgreSQL's own programs for taking a database out and putting one in.

Those of the embedded PostgreSQL, unless the server is older and programs of its version are
installed: newer ones write statements that an old server does not know.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from lapwing.model.errors import Unavailable
from lapwing.store.embedded.binaries import MAJOR, installed

PIECE = 8 << 20
"""Bytes of a dump handed on at a time."""
_INSTALLED = "/usr/lib/postgresql/{major}/bin"


def dump(url: URL, snapshot: str, server: int) -> Iterator[bytes]:
    """The database as of an exported snapshot, in custom format. Raises Unavailable."""
    command = [_program("pg_dump", server), "--format=custom", "--no-owner", "--no-comments"]
    command += ["--compress=1", f"--snapshot={snapshot}", f"--dbname={_plain(url)}"]
    with _running(command, url, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as (process, _):
        assert process.stdout is not None  # noqa: S101 - it was asked for
        while piece := process.stdout.read(PIECE):
            yield piece


@contextmanager
def restoring(url: URL, server: int) -> Iterator[IO[bytes]]:
    """A stream for a dump; when the block ends, all of it is in the database, or none.

    Raises Unavailable, with what PostgreSQL said, when it does not go in.
    """
    command = [_program("pg_restore", server), "--no-owner", "--no-comments", "--exit-on-error"]
    command += ["--single-transaction", f"--dbname={_plain(url)}"]
    with _running(command, url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as (process, _):
        assert process.stdin is not None  # noqa: S101 - it was asked for
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            process.wait()


@contextmanager
def _running(
    command: list[str], url: URL, *, stdin: int, stdout: int
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    environment = {"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": url.password or ""}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own programs
            command, stdin=stdin, stdout=stdout, stderr=said, env=environment
        )
        finished = False
        try:
            yield process, said
            finished = True
        finally:
            if not finished:
                process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None and not finished:
                    _close(stream)
            status = process.wait()
        if status != 0:
            said.seek(0)
            raise Unavailable(f"{Path(command[0]).name} failed: {_reason(said.read())}")


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


def _program(name: str, server: int) -> str:
    """The path of a program that suits a server of this major version."""
    if server < MAJOR:
        own = Path(_INSTALLED.format(major=server)) / name
        if own.exists():
            return str(own)
        if (found := shutil.which(name)) and _major(found) == server:
            return found
        if name == "pg_restore" and server < 17:
            raise Unavailable(
                f"restoring into PostgreSQL {server} needs its own pg_restore; install the client "
                "programs of that version"
            )
    return str(installed().program(name))


def _major(program: str) -> int:
    said = subprocess.run(  # noqa: S603 - found as pg_dump or pg_restore
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r" (\d+)", said)
    return int(found[1]) if found else 0


def _plain(url: URL) -> str:
    """The address without its password, which other users could read in the process list."""
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _reason(said: bytes) -> str:
    """PostgreSQL's first line: the following may quote what is in the tables."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[0] if lines else "it said nothing"
