"""Law-enforcement hash lists into the bank.

A file's marker never says what it lists: known abuse material and known harmless pictures come in
the same form, and category numbers differ by country. So nothing is imported until a person has
named the kind of list, where the file comes from and which profile its categories follow.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any
from uuid import UUID

from msgspec import Struct

from lapwing.bank.bulk import BulkRow, add_rows
from lapwing.bank.changes import check_words
from lapwing.bank.index.hits import CRYPTOGRAPHIC
from lapwing.bank.profiles.rows import USABLE, Meaning, Profile
from lapwing.evidence.ledger import Ledger
from lapwing.model.actors import Actor
from lapwing.model.errors import InvalidInput
from lapwing.model.events import Event, EventKind
from lapwing.model.hash_lists import ListedMedia
from lapwing.model.indicators import BankList, IndicatorKind, ListKind
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.store.clock import Clock
from lapwing.store.database import Database

CHUNK = 10_000
"""Rows of a file a transaction."""
SHOWN_REFUSALS = 1_000
"""Refusals that the result carries; all of them go to `on_refusal`."""
UNSAID = (
    "a hash-list file does not say what it lists: files of the same form hold abuse material or "
    "known harmless pictures, and category numbers differ by country. Say what kind of list it is "
    "for (--kind block, review or allow), where it comes from (--provenance) and what its "
    "categories mean (--profile); docs/hash-lists.md explains"
)


class Declared(Struct, frozen=True, kw_only=True):
    """What whoever imports a file says of it."""

    kind: ListKind
    provenance: str
    profile: Profile


class ListImported(Struct, frozen=True, kw_only=True):
    """What an import did. `added`, `repeated` count hashes; `rows` and `refused` rows of the file.

    `left_out` says in words what was passed over without being wrong, with its count.
    `refusals` are the first 1,000 of `refused`.
    """

    rows: int
    added: int
    repeated: int
    refused: int
    left_out: dict[str, int]
    refusals: tuple[Refusal, ...]
    generation: int | None
    format: str
    version: str
    profile: str
    provenance: str


def declare(kind: ListKind | None, provenance: str | None, profile: Profile | None) -> Declared:
    """What was said about a file. Raises InvalidInput when anything of it was left open."""
    if kind is None or not provenance or profile is None:
        missing = "kind" if kind is None else "provenance" if not provenance else "profile"
        raise InvalidInput(UNSAID, field=missing)
    check_words(provenance, "provenance")
    return Declared(kind=kind, provenance=provenance, profile=profile)


class HashLists:
    """Imports of hash-list files. Each batch is committed, so a broken import is run again."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock

    def import_rows(
        self,
        organisation: UUID,
        actor: Actor,
        listed: BankList,
        declared: Declared,
        rows: Iterable[ListedMedia | Refusal],
        *,
        form: str,
        describe: Callable[[], dict[str, Any]] = dict,
        left_out: Counter[str] | None = None,
        file: str | None = None,
        progress: Callable[[int, int], None] = lambda done, refused: None,
        on_refusal: Callable[[Refusal], None] = lambda refusal: None,
        chunk: int = CHUNK,
    ) -> ListImported:
        """Put the rows on the list that the profile allows on it.

        `describe` is asked at the end for what the ledger shall know of the file (its digest,
        marker and version). Raises InvalidInput when the list is of another kind than was said, or
        the profile holds nothing for it.
        """
        check_declared(listed, declared, form)
        counts = Counter[str]() if left_out is None else left_out
        taken = refused = refused_before = added = hashes = done = 0
        generation: int | None = None
        shown: list[Refusal] = []
        rows = iter(rows)
        # One batch is written while the next is read: database and reader each have a processor.
        with ThreadPoolExecutor(1, "lapwing-import") as writing:
            ahead: Future[tuple[int, int]] | None = None
            while part := list(islice(rows, chunk)):
                ready: list[BulkRow] = []
                for entry in part:
                    if isinstance(entry, Refusal):
                        refusal = entry
                    else:
                        try:
                            ready += sorted_out(entry, listed, declared, counts)
                            taken += 1
                            continue
                        except InvalidInput as error:
                            refusal = refusal_of(
                                error, file=file, line=entry.number, source_id=entry.media_id
                            )
                    refused += 1
                    on_refusal(refusal)
                    if len(shown) < SHOWN_REFUSALS:
                        shown.append(refusal)
                if ahead is not None:
                    new, generation = ahead.result()
                    added += new
                    progress(done, refused_before)
                done, refused_before = done + len(part), refused
                hashes += len(ready)
                ahead = writing.submit(
                    add_rows,
                    self._database,
                    self._ledger,
                    organisation,
                    actor,
                    listed,
                    ready,
                    source=declared.provenance,
                    at=self._clock(),
                )
            if ahead is not None:
                new, generation = ahead.result()
                added += new
                progress(done, refused)
        told = describe()
        imported = ListImported(
            rows=taken,
            added=added,
            repeated=hashes - added,
            refused=refused,
            left_out=dict(sorted(counts.items())),
            refusals=tuple(shown),
            generation=generation,
            format=form,
            version=str(told.get("version", "")),
            profile=declared.profile.name,
            provenance=declared.provenance,
        )
        self._note(organisation, actor, listed, declared, imported, told)
        return imported

    def _note(
        self,
        organisation: UUID,
        actor: Actor,
        listed: BankList,
        declared: Declared,
        imported: ListImported,
        told: dict[str, Any],
    ) -> None:
        """One leaf for the file as a whole; each batch has left its own."""
        profile = declared.profile
        data = told | {
            "list": listed.name,
            "kind": declared.kind.value,
            "provenance": declared.provenance,
            "profile": profile.name,
            "profile_source": profile.source,
            "profile_reviewed": profile.reviewed.isoformat(),
            "format": imported.format,
            "rows": imported.rows,
            "added": imported.added,
            "repeated": imported.repeated,
            "refused": imported.refused,
        }
        event = Event(
            kind=EventKind.LIST_IMPORTED,
            at=self._clock(),
            actor=actor,
            subject=str(listed.id),
            data=data,
        )
        with self._database.organisation(organisation) as connection:
            self._ledger.append(connection, organisation, [event])


def check_declared(listed: BankList, declared: Declared, form: str) -> None:
    """Raises InvalidInput when what was said does not fit the list or the file."""
    if listed.kind is not declared.kind:
        raise InvalidInput(
            f"{listed.name!r} is a {listed.kind} list, and the file was said to be for a "
            f"{declared.kind} list",
            field="kind",
        )
    if form not in declared.profile.formats:
        wanted = " or ".join(declared.profile.formats)
        raise InvalidInput(
            f"{declared.profile.name!r} tells the categories of {wanted} files, not of {form}",
            field="profile",
        )
    declared.profile.feeds(listed.kind)


def sorted_out(
    row: ListedMedia, listed: BankList, declared: Declared, counts: Counter[str]
) -> Iterator[BulkRow]:
    """The indicators of a row that belong on this list; what does not is counted by its category.

    Raises InvalidInput for a row that contradicts what was said of the file.
    """
    meaning, category = declared.profile.of(row)
    if meaning not in USABLE[listed.kind]:
        if listed.kind is ListKind.ALLOW and meaning is Meaning.ABUSE:
            raise InvalidInput(
                f"{category!r} in a file that was said to be harmless", field=declared.profile.field
            )
        counts[f"rows of {category!r} left out: not for a {listed.kind} list"] += 1
        return
    media = media_of(row)
    for kind, value in row.hashes:
        if listed.kind is ListKind.ALLOW and kind not in CRYPTOGRAPHIC:
            counts[f"{kind} hashes left out: an allow list takes exact hashes only"] += 1
            continue
        yield BulkRow(_NAMES[kind], value, category, media, row.dated)


_NAMES = {kind: kind.value for kind in IndicatorKind}


def media_of(row: ListedMedia) -> int:
    """What the hashes of one picture have in common: 63 bits of its first hash."""
    kind, value = row.hashes[0]
    head = value[:8] if kind is IndicatorKind.MD5 else hashlib.sha256(value).digest()[:8]
    return int.from_bytes(head, "big") >> 1
