"""The files of a report: which go along, and what is told of each. Pure."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lapwing.cases.records import CaseItem
from lapwing.evidence.vault import VaultObject
from lapwing.report.cybertipline.facts import hashes_of
from lapwing.report.cybertipline.files import REPORTED, SUPPLEMENTAL, FileDetails, Hash
from lapwing.report.identity import FileFacts, Identity
from lapwing.report.records import Fault
from lapwing.report.typed import TypedFile


class DraftFile(Struct, frozen=True, kw_only=True):
    """A file of the vault that goes along. `details` has no report and file id yet."""

    object: UUID
    item: UUID
    name: str
    size: int
    details: FileDetails

    def described(self, report_id: int, file_id: str) -> FileDetails:
        """The details as sent, once the authority has given both ids."""
        return replace(self.details, report_id=report_id, file_id=file_id)


def draft_files(
    objects: Sequence[VaultObject],
    items: Mapping[UUID, CaseItem],
    viewed: frozenset[UUID],
    identities: Mapping[UUID, Identity],
    typed: Mapping[str, TypedFile],
    now: datetime,
) -> tuple[tuple[DraftFile, ...], tuple[Fault, ...]]:
    """What of the case's content goes along; a fault for each typed file that is not there."""
    found = []
    there = set()
    for kept in objects:
        item = items.get(kept.item)
        if item is None or kept.deleted_at is not None:
            continue
        there.add(str(item.id))
        said = typed.get(str(item.id), TypedFile())
        if said.include:
            facts = (identities.get(item.id) or Identity()).file or FileFacts()
            details = _details(kept, item, item.id in viewed, facts, said, now)
            name = details.file_name or str(kept.id)
            found.append(
                DraftFile(object=kept.id, item=item.id, name=name, size=kept.size, details=details)
            )
    faults = tuple(
        Fault(field=f"files.{key}", reason="no content of such an item is kept in this case")
        for key in typed
        if key not in there
    )
    return tuple(found), faults


def _details(
    kept: VaultObject,
    item: CaseItem,
    viewed: bool,
    facts: FileFacts,
    said: TypedFile,
    now: datetime,
) -> FileDetails:
    url = item.facts.get("url")
    available = said.publicly_available
    return FileDetails(
        file_name=f"{kept.id}{mimetypes.guess_extension(kept.mime) or ''}",
        original_file_name=said.original_file_name or facts.original_file_name,
        uploaded_to_esp_timestamp=item.at if item.at <= now else None,
        location_of_file=url if url and url.startswith(("http://", "https://")) else None,
        file_viewed_by_esp=True if viewed else None,
        exif_viewed_by_esp=said.exif_viewed,
        publicly_available=facts.publicly_available if available is None else available,
        file_relevance=SUPPLEMENTAL if said.supplemental else REPORTED,
        file_annotations=said.file_annotations,
        industry_classification=said.industry_classification,
        original_file_hash=tuple(
            Hash(value=value, hash_type=name) for name, value in hashes_of(item)
        ),
        additional_info=(said.additional_info,) if said.additional_info else (),
    )
