"""`lapwing bank export`: a list as a file, once two members agreed that it may leave."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer

from lapwing.app import House
from lapwing.bank.exporting import ExportFormat, header_of, standing_rows, write_list
from lapwing.cli.output import DONE, DONE_WITH_REFUSALS, Json, page, plain, write_json
from lapwing.cli.session import For, house, named_member, organisation
from lapwing.confirm.records import LIST_EXPORT
from lapwing.members.authority import member_actor
from lapwing.model.errors import InvalidInput, NotAllowed
from lapwing.model.events import Event, EventKind
from lapwing.model.indicators import BankList
from lapwing.model.organisations import Member, Organisation


def export_list(
    list_name: Annotated[str, typer.Option("--list", metavar="LIST", help="Name or id.")],
    out: Annotated[Path | None, typer.Option(help="The file; it must not be there yet.")] = None,
    form: Annotated[
        ExportFormat, typer.Option("--format", help="What to write.")
    ] = ExportFormat.CSV,
    version: Annotated[str, typer.Option(help="VICS: 1.2, 1.3 or 2.0.")] = "1.3",
    propose: Annotated[
        bool, typer.Option("--propose", help="Ask for the second member instead of writing.")
    ] = False,
    basis: Annotated[str | None, typer.Option(help="With --propose: why it may leave.")] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Write a list into a file that only you can read, with OUT.provenance.json beside it.

    A list leaves only when one member has proposed it (--propose --basis …) and another has
    confirmed it in the console, and until that is withdrawn. Exit code 3 where the format could not
    hold everything; what was left out is counted.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        chosen = opened.bank.list_named(mine.id, list_name)
        if propose:
            _propose(opened, mine, member, chosen, basis, json)
            return
        if out is None:
            raise InvalidInput("names the file to write", field="out")
        document = _write(opened, mine, member, chosen, out, form, version)
    if json:
        write_json(document)
    else:
        page.print(f"{document['bytes']:,} bytes:", plain(out))
        for what, count in document["left_out"].items():
            page.print(f"{count:,}", plain(what))
    raise typer.Exit(DONE_WITH_REFUSALS if document["left_out"] else DONE)


def _propose(
    opened: House,
    mine: Organisation,
    member: Member,
    chosen: BankList,
    basis: str | None,
    json: bool,
) -> None:
    if basis is None:
        raise InvalidInput("says why the list may leave: a contract, a law", field="basis")
    data = {"list": chosen.name, "kind": chosen.kind.value, "source": chosen.source}
    with opened.database.organisation(mine.id) as connection:
        made = opened.confirmations.propose(
            connection,
            mine.id,
            member,
            LIST_EXPORT.name,
            str(chosen.id),
            basis,
            chosen.category,
            data,
        )
    if json:
        write_json(made)
    else:
        page.print("proposed; another member confirms it in the console:", plain(made.id))


def _write(
    opened: House,
    mine: Organisation,
    member: Member,
    chosen: BankList,
    out: Path,
    form: ExportFormat,
    version: str,
) -> dict[str, Any]:
    """Write, note and only then show the file under its name."""
    left_out: Counter[str] = Counter()
    digest, size, at = hashlib.sha256(), 0, opened.clock()
    half = out.with_name(f"{out.name}.part")
    beside = out.with_name(f"{out.name}.provenance.json")
    for path in (out, beside):
        if path.exists():
            raise InvalidInput(f"{path} is there already", field="out")
    with opened.database.organisation(mine.id) as connection:
        agreed = opened.confirmations.confirmed(connection, LIST_EXPORT.name, [str(chosen.id)])
        confirmation = agreed.get(str(chosen.id))
        if confirmation is None:
            raise NotAllowed(
                f"{chosen.name!r} may not leave: one member proposes it with --propose and "
                "--basis, another confirms it in the console"
            )
        rows = standing_rows(connection, chosen.id, at)
        header = header_of(chosen, mine.name, at, member.name)
        try:
            with _mine_alone(half) as to:
                for piece in write_list(rows, form, header, version=version, left_out=left_out):
                    to.write(piece)
                    digest.update(piece)
                    size += len(piece)
                to.flush()
                os.fsync(to.fileno())
            document = {
                "list": chosen.name,
                "kind": chosen.kind.value,
                "source": chosen.source,
                "basis": confirmation.basis,
                "category": chosen.category,
                "organisation": mine.name,
                "format": form.value,
                "version": version if form is ExportFormat.VICS else "",
                "written_at": at.isoformat(timespec="seconds"),
                "written_by": member.name,
                "confirmation": str(confirmation.id),
                "sha256": digest.hexdigest(),
                "bytes": size,
                "left_out": dict(left_out),
            }
            event = Event(
                kind=EventKind.LIST_EXPORTED,
                at=at,
                actor=member_actor(member),
                subject=str(chosen.id),
                data=document,
            )
            opened.ledger.append(connection, mine.id, [event])
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as to:
                to.write(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
        except BaseException:
            half.unlink(missing_ok=True)
            raise
    half.rename(out)
    return document


def _mine_alone(path: Path) -> BinaryIO:
    """A new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
