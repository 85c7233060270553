"""Where an instance lives: its data, log, sockets and locks.

Everything is under `<home>/postgres`. When root runs Lapwing and the unprivileged server user
cannot reach that folder (a private home), the data go to `/var/lib/lapwing/<random>` instead, and
the file `<home>/postgres/elsewhere` names the place. No permission of a parent folder is changed.
Deleting such a home leaves that place; `EmbeddedPostgres.remove` deletes both.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lapwing.model.errors import Unavailable
from lapwing.store.embedded.account import Account

# Not a temporary folder: what lies there may be swept away, and these are people's cases.
_REACHABLE = (Path("/var/lib/lapwing"), Path("/srv/lapwing"), Path("/opt/lapwing"))
_SOCKET_NAME = "/.s.PGSQL.5432.lock"
_SOCKET_LIMIT = 107  # bytes of a socket's path (sockaddr_un), see unix(7)


@dataclass(frozen=True)
class Place:
    """The folders and files of one instance. `control` is in the home, the rest under `folder`."""

    control: Path
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def start_log(self) -> Path:
        return self.log / "start.log"

    @property
    def password(self) -> Path:
        return self.control / "password"

    @property
    def stopped(self) -> Path:
        """There after somebody stopped the server, until it is started again."""
        return self.control / "stopped"

    @property
    def start_lock(self) -> Path:
        return self.control / "start.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server and all its children for as long as one of them lives."""
        return self.folder / "server.lock"


def known_place(home: Path) -> Place:
    """The place of an instance as far as it is known without making anything."""
    control = home / "postgres"
    pointer = control / "elsewhere"
    folder = Path(pointer.read_text().strip()) if pointer.exists() else control
    return Place(control, folder)


def make_control(home: Path) -> Path:
    """Make `<home>/postgres`: private, but passable for the server user when root runs Lapwing."""
    control = home / "postgres"
    home.mkdir(parents=True, exist_ok=True)
    control.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
    return control


def make_place(place: Place, account: Account) -> Place:
    """The place, made outside an unreachable home if that is needed and not done already.

    Raises Unavailable when there is nowhere to make it, when it is missing, and when this home is
    a copy of another that still uses it.
    """
    if place.folder != place.control and place.data.exists():
        _claim(place)
    if place.data.exists() or account.can_enter(place.folder):
        return place
    if place.folder != place.control:
        raise Unavailable(
            f"the database of this home is in {place.folder}, which is missing or which "
            f"{account.name} cannot reach; restore it, or remove {place.control} to start empty"
        )
    for parent in _REACHABLE:
        try:
            parent.mkdir(mode=0o755, exist_ok=True)
            folder = parent / secrets.token_hex(8)
            folder.mkdir(mode=0o711)
        except OSError:
            continue
        if account.can_enter(folder):
            write_private(folder / "home", f"{place.control.parent}\n")
            write_private(place.control / "elsewhere", f"{folder}\n")
            return Place(place.control, folder)
        (folder).rmdir()
    raise Unavailable(
        f"{place.control} lies in a folder that {account.name} cannot enter, and none of "
        f"{', '.join(map(str, _REACHABLE))} can be used; set LAPWING_HOME to a folder that "
        f"{account.name} can reach, or LAPWING_DATABASE_URL"
    )


def remove_place(place: Place) -> None:
    """Delete everything of an instance that no server has open; a copied home's data stay."""
    if place.folder != place.control and original_of(place) is None:
        shutil.rmtree(place.folder)
    shutil.rmtree(place.control)


def original_of(place: Place) -> Path | None:
    """The home that this one is a copy of and that still uses these data; None if there is none."""
    owner = place.folder / "home"
    if not owner.exists():
        return None
    before = Path(owner.read_text().strip())
    if before == place.control.parent or known_place(before).folder != place.folder:
        return None
    return before


def _claim(place: Place) -> None:
    """A home that was moved takes its data along; one that was copied does not share them."""
    original = original_of(place)
    home = place.control.parent
    if original is not None:
        raise Unavailable(
            f"{home} is a copy of {original}, whose database is in {place.folder}; "
            f"remove {place.control} to start empty, or go on with the original"
        )
    write_private(place.folder / "home", f"{home}\n")


def socket_folder(place: Place, account: Account) -> Path:
    """A private folder for the server's socket whose path is short enough for one."""
    own = place.folder / "run"
    if _short_enough(own):
        account.make_folder(own)
        return own
    short = hashlib.sha256(os.fsencode(place.folder)).hexdigest()[:16]
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - a checked subfolder
        folder = parent / f"lapwing-{short}"
        if not (_short_enough(folder) and account.can_enter(parent)):
            continue
        account.make_folder(folder)
        if _private_to(folder, account.uid):
            return folder
        # Someone else took the name; a random one cannot be taken beforehand.
        folder = Path(tempfile.mkdtemp(prefix="lapwing-", dir=parent))
        if account.switched:
            os.chown(folder, account.uid, account.gid)
        return folder
    raise Unavailable("there is no temporary folder short enough for the database's socket")


def write_private(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Write a small file whole or not at all, readable by its owner only unless said."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(draft, path)


def _short_enough(folder: Path) -> bool:
    return len(os.fsencode(folder)) + len(_SOCKET_NAME) <= _SOCKET_LIMIT


def _private_to(folder: Path, uid: int) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and found.st_mode & 0o077 == 0
