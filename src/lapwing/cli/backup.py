"""`lapwing backup` and `lapwing restore`: the whole house in one sealed file, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lapwing.cli.output import Json, page, plain, progress, write_json
from lapwing.cli.session import house, settings
from lapwing.model.errors import InvalidInput
from lapwing.operations.backup import back_up
from lapwing.operations.restore import restore as restore_house
from lapwing.operations.sealing import Key, Lock, identities_in
from lapwing.operations.side import Target
from lapwing.store.clock import utc_now

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="A file whose first line is the passphrase."),
]


def backup(
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist.")],
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="AGE1…", help="Whom it is sealed to; may be repeated."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Put the secret keys in it as well.")
    ] = False,
    json: Json = False,
) -> None:
    """Save database and blobs, as they are at this moment, into one sealed file.

    Without --with-secrets the folder of secret keys has to be kept apart: nothing that is sealed in
    the vault can be opened without it.
    """
    lock = Lock(
        recipients=tuple(to or ()),
        passphrase=_passphrase(passphrase_file, ask=not to, twice=True),
    )
    with house() as opened, _shown(json, "saving") as show:
        about, manifest = back_up(
            out,
            lock,
            database=opened.database,
            blobs=opened.blobs,
            keyring=opened.keyring,
            ledger=opened.ledger,
            now=opened.clock(),
            secrets=with_secrets,
            progress=show,
        )
    if json:
        write_json(
            {
                "file": str(out),
                "bytes": out.stat().st_size,
                "entries": manifest.entries,
                "ledgers": len(about.ledgers),
                "secrets": about.secrets,
                "missing": manifest.missing,
            }
        )
        return
    page.print(f"[green]Saved[/green] {manifest.entries:,} files,", _size(out.stat().st_size))
    if manifest.missing:
        page.print(f"{len(manifest.missing)} blobs that rows name are not there", style="yellow")
    if not about.secrets:
        page.print("Secret keys are not in it; keep", plain(str(settings().secrets)), "safe apart.")


def restore(
    file: Annotated[Path, typer.Argument(help="What `lapwing backup` wrote.")],
    key: Annotated[
        Path | None, typer.Option("--key", help="The age key file of a recipient.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    secrets: Annotated[
        Path | None,
        typer.Option("--secrets", help="The folder of secret keys, where it was kept apart."),
    ] = None,
    json: Json = False,
) -> None:
    """Put a backup into an empty data folder, and verify every ledger in it.

    Restore only what you made: a file sealed to you by somebody else may hold anything.
    """
    where = settings()
    opener = Key(
        identities=_identities(key),
        passphrase=_passphrase(passphrase_file, ask=key is None, twice=False),
    )
    if secrets is not None and not secrets.is_dir():
        raise InvalidInput(f"{secrets} is not a folder", field="secrets")
    target = Target(
        home=where.home,
        secrets=where.secrets,
        blobs_url=where.blobs_url,
        database_url=where.database_url,
    )
    with _shown(json, "restoring") as show:
        done = restore_house(
            file, opener, target, clock=utc_now, secrets_from=secrets, progress=show
        )
    if json:
        write_json(
            {
                "home": str(where.home),
                "saved_at": done.about.at,
                "entries": done.manifest.entries,
                "ledgers": done.ledgers,
                "redone": done.redone,
                "secrets": done.secrets,
            }
        )
        return
    leaves = sum(one.size for one in done.ledgers)
    page.print(
        f"[green]Restored[/green] {done.manifest.entries:,} files;"
        f" {len(done.ledgers)} ledgers with {leaves:,} leaves hold."
    )
    redone = done.redone
    page.print(
        f"Made good what time has brought since {done.about.at:%Y-%m-%d %H:%M} UTC:"
        f" {redone.blobs_deleted:,} files and {redone.reports_erased:,} reports deleted,"
        f" {redone.sessions_ended:,} sessions ended,"
        f" {redone.reports_set_aside:,} reports under way set aside."
    )
    page.print(
        "Revoke again what was revoked since then, and look up at the authority what was filed"
        " since then before filing anything."
    )
    if not done.secrets:
        page.print("Secret keys are missing: put them into", plain(str(where.secrets)))


def _identities(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        return identities_in(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not an age key file", field="key") from error


def _passphrase(file: Path | None, *, ask: bool, twice: bool) -> str | None:
    if file is not None:
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0]:
            raise InvalidInput(f"{file} holds no passphrase", field="passphrase_file")
        return lines[0]
    if not ask:
        return None
    said: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    return said


@contextmanager
def _shown(json: bool, doing: str) -> Iterator[Callable[[str, int], None]]:
    """Progress on standard error: what is being done, and how many bytes or ledgers so far."""
    with progress(json) as bar:
        task = bar.add_task(doing, total=None)
        done: dict[str, int] = {}

        def show(part: str, size: int) -> None:
            done[part] = done.get(part, 0) + size if doing == "saving" else size
            bar.update(task, description=part, completed=done[part])

        yield show


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
