"""`lapwing ledger`: the head of an organisation's ledger, and its verification."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer

from lapwing.app import House
from lapwing.cli.output import Json, page, plain, progress, show, table, write_json
from lapwing.cli.session import For, house, operator, organisation
from lapwing.evidence.heads import SignedHead, head_from_text, head_to_text
from lapwing.model.errors import IntegrityBroken, InvalidInput, NotFound
from lapwing.model.organisations import Organisation

app = typer.Typer(
    help="The tamper-evident record: head, verify, export, keys, time stamps.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write; not replaced.")]


@app.command()
def head(organisation_name: For = None, json: Json = False) -> None:
    """Print the signed head. Keep a copy elsewhere: later records are checked against it."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        with opened.database.organisation(mine.id) as connection:
            found = opened.ledger.head(connection, mine.id)
    if found is None:
        raise NotFound("the ledger is empty")
    if json:
        write_json(found)
    else:
        typer.echo(head_to_text(found), nl=False)


@app.command()
def verify(
    head_file: Annotated[
        Path | None,
        typer.Option(
            "--head", metavar="FILE", help="A head kept elsewhere, as `ledger head` printed it."
        ),
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Recompute every leaf, node and signature; exit code 1 names the first broken place.

    Only a head kept elsewhere tells a ledger that was cut short, or written anew with its keys.
    """
    kept = None if head_file is None else _read(head_file)
    with house() as opened, progress(json) as bar:
        mine = _whose(opened, organisation_name, kept)
        task = bar.add_task("verifying", total=None)
        with opened.database.organisation(mine.id) as connection:
            verified = opened.ledger.verify(
                connection,
                mine.id,
                kept,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    if json:
        write_json(verified)
        return
    page.print(f"[green]The ledger holds[/green]: {verified.size:,} leaves, root {verified.root}")
    if verified.stamps:
        checked = "checked" if verified.stamped_until else "not checked: LAPWING_TSA_URL is not set"
        page.print(f"{verified.stamps:,} time stamps, {checked}")


@app.command()
def export(
    out: Out,
    without_events: Annotated[
        bool,
        typer.Option("--without-events", help="Leave out what events say; the proofs still hold."),
    ] = False,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Write the whole ledger to a file that `ledger verifier` checks without Lapwing.

    NDJSON, in gzip when the name ends in .gz. It holds what the events say: keep it as you keep the
    ledger, or leave that out.
    """
    with house() as opened, progress(json) as bar:
        mine = organisation(opened, organisation_name)
        task = bar.add_task("exporting", total=None)
        with (
            opened.database.organisation(mine.id) as connection,
            new_file(out) as file,
            gzip.open(file, "wb") if out.suffix == ".gz" else nullcontext(file) as stream,
        ):
            lines = opened.ledger.export(
                connection,
                mine.id,
                withhold=without_events,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            count = 0
            for line in lines:
                stream.write(line)
                count += line.startswith(b'{"position"')
    _written(json, out, events=count)


@app.command()
def verifier(out: Out, json: Json = False) -> None:
    """Write the program that checks an export, a proof or a head without Lapwing.

    One Python file; it needs the standard library and the package `cryptography`.
    """
    program = files("lapwing.evidence.standalone").joinpath("verify_ledger.py").read_bytes()
    with new_file(out, mode=0o755) as file:
        file.write(program)
    _written(json, out, sha256=sha256(program).hexdigest())


@app.command()
def keys(organisation_name: For = None, json: Json = False) -> None:
    """Print the public signing keys, one a line, retired ones too. Keep a copy elsewhere."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        found = opened.ledger.public_keys(mine.id)
    if json:
        write_json({"keys": found})
    for key in [] if json else found:
        typer.echo(key)


@app.command("rotate-key")
def rotate_key(organisation_name: For = None, json: Json = False) -> None:
    """Put a new signing key in force and destroy the private half of the old one.

    The rotation is an event that the old key signs last; heads it has signed go on verifying.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        with opened.database.organisation(mine.id) as connection:
            rotation = opened.ledger.rotate_key(connection, mine.id, operator(opened))
        with opened.database.organisation(mine.id) as connection:
            destroyed = opened.ledger.retire_keys(connection, mine.id)
    if json:
        write_json({"old": rotation.old, "new": rotation.new, "key": rotation.key})
        return
    page.print(plain(f"The key {rotation.new} signs from now on: {rotation.key}"))
    page.print(plain(f"Destroyed: {', '.join(destroyed)}. Back up the secrets folder now."))


@app.command()
def stamp(organisation_name: For = None, json: Json = False) -> None:
    """Have the newest head time-stamped now, by the authority in LAPWING_TSA_URL (RFC 3161).

    `lapwing serve` does this by itself, ten minutes after something was recorded.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        if opened.stamping is None:
            raise InvalidInput("set LAPWING_TSA_URL and LAPWING_TSA_ROOT", field="LAPWING_TSA_URL")
        made = opened.stamping.stamp(mine.id)
    if made is None:
        raise NotFound("the ledger is empty")
    if json:
        write_json({"size": made.size, "at": made.at, "authority": made.authority})
        return
    page.print(plain(f"The head of size {made.size:,} was there at {made.at} ({made.authority})"))


@app.command()
def stamps(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write each head and its stamp there."),
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """List the time stamps of heads, or write them out for `openssl ts -verify`."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        with opened.database.organisation(mine.id) as connection:
            found = opened.ledger.stamps(connection, mine.id)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for signed, one in found:
            (out / f"head-{one.size}.txt").write_text(head_to_text(signed), encoding="utf-8")
            (out / f"head-{one.size}.tsr").write_bytes(one.response)
    rows = [{"size": one.size, "at": one.at, "authority": one.authority} for _, one in found]
    if json:
        write_json({"stamps": rows})
        return
    show(table("Time stamps", ("size", "at", "authority"), [tuple(row.values()) for row in rows]))


@contextmanager
def new_file(path: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all, for its owner's eyes. Raises InvalidInput."""
    if path.exists():
        raise InvalidInput(f"{path} is there already; choose another name", field="out")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            yield file
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def _written(json: bool, out: Path, **about: object) -> None:
    if json:
        write_json({"file": str(out), **about})
        return
    said = ", ".join(f"{name} {value}" for name, value in about.items())
    page.print(plain(f"written: {out} ({said})"))


def _whose(opened: House, named: str | None, kept: SignedHead | None) -> Organisation:
    if kept is None or named:
        return organisation(opened, named)
    try:
        return organisation(opened, str(kept.organisation))
    except InvalidInput:
        raise IntegrityBroken(
            f"the kept head is of organisation {kept.organisation}, which is not here"
        ) from None


def _read(file: Path) -> SignedHead:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="head") from error
    if not text.lstrip().startswith("{"):
        return head_from_text(text)
    try:
        return msgspec.json.decode(text, type=SignedHead)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"{file} is not a ledger head: {error}", field="head") from error
