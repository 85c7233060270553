"""The operating-system user that the server runs as. PostgreSQL refuses to run as root.

An ordinary user runs the server as itself. Root runs it as an existing unprivileged user; no user
is ever created. Only folders that Lapwing itself made change hands, never a parent folder.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from lapwing.model.errors import Unavailable

# An administrator who wants the files apart from other services' makes a system user `lapwing`.
CANDIDATES = ("lapwing", "nobody", "postgres", "daemon")

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


@dataclass(frozen=True)
class Account:
    """Who the server runs as. `switched` is true when that is not who Lapwing runs as."""

    name: str
    uid: int
    gid: int
    switched: bool

    def run(
        self,
        command: Sequence[object],
        *,
        text_in: str | None = None,
        output: IO[bytes] | int = subprocess.PIPE,
        pass_fds: Sequence[int] = (),
        variables: Mapping[str, str] = MappingProxyType({}),
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program as this user, in `/`, with an environment that carries nothing of ours."""
        return subprocess.run(  # noqa: S603 - the programs are PostgreSQL's own and /bin/sh
            [str(part) for part in command],
            input=text_in.encode() if text_in is not None else None,
            stdin=subprocess.DEVNULL if text_in is None else None,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            cwd="/",
            env={**_ENVIRONMENT, **variables},
            start_new_session=True,
            timeout=timeout,
            check=False,
            user=self.uid if self.switched else None,
            group=self.gid if self.switched else None,
            extra_groups=[] if self.switched else None,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may pass through the folder and all folders above it."""
        if not self.switched:
            return os.access(folder, os.X_OK)
        return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", folder]).returncode == 0

    def make_folder(self, folder: Path) -> None:
        """Make a private folder (0700) of this user's. One that is already there is left alone."""
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            return
        if self.switched:
            try:
                os.chown(folder, self.uid, self.gid)
            except OSError:
                folder.rmdir()
                raise


def server_account(data: Path) -> Account:
    """The user for the server over this data folder: the folder's owner once there is one.

    Raises Unavailable when root finds no unprivileged user it may become, and when the data
    belong to someone else.
    """
    mine = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if mine != 0:
        if owner not in (None, mine):
            raise Unavailable(
                f"the database in {data} belongs to {_name_of(owner)}; run Lapwing as that user "
                "or as root, or choose another LAPWING_HOME"
            )
        return Account(_name_of(mine), mine, os.getegid(), switched=False)
    if owner == 0:
        raise Unavailable(f"{data} belongs to root, and PostgreSQL does not run as root")
    for account in _of_owner(owner) if owner is not None else _candidates():
        try:
            if account.run(["/bin/sh", "-c", ":"]).returncode == 0:
                return account
        except (OSError, subprocess.SubprocessError):
            continue
    raise Unavailable(
        "PostgreSQL does not run as root, and there is no unprivileged user to run it as "
        f"(tried {', '.join(CANDIDATES)}); run Lapwing as an ordinary user or set "
        "LAPWING_DATABASE_URL"
    )


def _candidates() -> list[Account]:
    found = []
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            found.append(Account(name, entry.pw_uid, entry.pw_gid, switched=True))
    return found


def _of_owner(uid: int) -> list[Account]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise Unavailable(
            f"the database belongs to user id {uid}, which this machine does not know"
        ) from error
    return [Account(entry.pw_name, uid, entry.pw_gid, switched=True)]


def _name_of(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"user id {uid}"
