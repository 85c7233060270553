"""Reports at rest: sealed with age to the organisation's own key, as the vault seals content."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

import msgspec
import pyrage
from msgspec import Struct

from lapwing.model.errors import IntegrityBroken
from lapwing.report.cybertipline.attachments import DraftFile
from lapwing.report.cybertipline.document import Report
from lapwing.store.keyring import Keyring

T = TypeVar("T", bound=Struct)


class Confirmed(Struct, frozen=True, kw_only=True):
    """A report as a member confirmed it; nothing of it changes on the way to the authority."""

    report: Report
    files: tuple[DraftFile, ...]


class Sealer:
    """Seals and opens what this room stores of a report's content."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, organisation: UUID, content: Struct) -> bytes:
        recipient = self._keyring.vault_identity(organisation).to_public()
        return bytes(pyrage.encrypt(msgspec.json.encode(content), [recipient]))

    def open(self, organisation: UUID, sealed: bytes, kind: type[T]) -> T:
        """Raises IntegrityBroken when it cannot be opened or is not what was sealed."""
        try:
            clear = pyrage.decrypt(bytes(sealed), [self._keyring.vault_identity(organisation)])
            return msgspec.json.decode(clear, type=kind)
        except (pyrage.DecryptError, msgspec.DecodeError):
            # Without the cause: its text may quote what was sealed.
            raise IntegrityBroken("a sealed report cannot be opened with this key") from None
