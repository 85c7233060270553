"""The vault: content and identity envelopes that a case needs, sealed, counted, deleted on time.

Nothing is kept unless the organisation has switched keeping on and names its basis. Everything is
sealed with age to the organisation's own key before it leaves this module; the clear bytes are
handed out only to a member who has uncovered them, and every touch is an event in the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

import pyrage
from sqlalchemy import Connection, event

from lapwing.evidence import objects as stored_objects
from lapwing.evidence import repository
from lapwing.evidence.cover import cover_of
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.objects import StoredObject, Uncover, VaultObject, VaultRole
from lapwing.model.actors import SYSTEM, Actor, ActorKind
from lapwing.model.errors import (
    IntegrityBroken,
    LimitExceeded,
    NotAllowed,
    NotFound,
    Unavailable,
)
from lapwing.model.events import Event, EventKind
from lapwing.model.organisations import Member, Organisation
from lapwing.model.permissions import Permission
from lapwing.model.refusals import Refusal
from lapwing.store.blobs import Blobs
from lapwing.store.clock import Clock, new_id
from lapwing.store.keyring import Keyring

__all__ = ["LOOKS_ALLOWED", "UNCOVERED_FOR", "Uncover", "Vault", "VaultObject", "VaultRole"]

UNCOVERED_FOR = timedelta(minutes=15)
"""How long an uncover lasts."""
EXPOSURE_WINDOW = timedelta(hours=24)
LOOKS_ALLOWED = 200
"""Uncovers of one member within EXPOSURE_WINDOW. The reviewer is a person too."""
STRAYS_SPARED = timedelta(hours=1)
VAULT_FOLDER = "vault"
"""Where in the blob store the vault is, one folder an organisation."""
SWEPT_AT_ONCE = 500
"""Objects that a sweep reads at a time."""


class Vault:
    """Sealed objects of all organisations on this node."""

    def __init__(self, blobs: Blobs, keyring: Keyring, ledger: Ledger, clock: Clock) -> None:
        self._blobs = blobs
        self._keyring = keyring
        self._ledger = ledger
        self._clock = clock

    def keep(
        self,
        connection: Connection,
        organisation: Organisation,
        *,
        case: UUID,
        item: UUID,
        role: VaultRole | str,
        content: bytes,
        mime: str,
    ) -> tuple[VaultObject | Refusal, Event | None]:
        """Seal content for a case; the caller appends the event in the same transaction.

        Keeping an item's content again returns the object that is there and no event. A refusal
        says why nothing was kept. The blobs are deleted again when the transaction rolls back.
        """
        role = VaultRole(role)
        if organisation.keep_content is None or organisation.keep_days is None:
            return _refusal(organisation), None
        there = stored_objects.object_of_item(connection, organisation.id, item, role)
        if there is not None:
            if there.shown.deleted_at is not None:
                return Refusal(reason="this content was kept before and deleted on time"), None
            return there.shown, None
        now = self._clock()
        identity = new_id(now)
        delete_at = now + timedelta(days=organisation.keep_days)
        sealed = self._seal(organisation.id, content)
        cover = cover_of(content, mime) if role is VaultRole.CONTENT else None
        place = f"{VAULT_FOLDER}/{organisation.id}/{delete_at:%Y-%m-%d}/{identity}"
        kept = StoredObject(
            VaultObject(
                id=identity,
                case=case,
                item=item,
                role=role,
                mime=mime,
                size=len(content),
                sha256=hashlib.sha256(_named(role, content, sealed)).hexdigest(),
                basis=organisation.keep_content,
                kept_at=now,
                delete_at=delete_at,
                covered=cover is not None,
            ),
            f"{place}.age",
            f"{place}.cover.age" if cover is not None else None,
        )
        if not stored_objects.add_object(connection, organisation.id, kept):
            return self.keep(
                connection,
                organisation,
                case=case,
                item=item,
                role=role,
                content=content,
                mime=mime,
            )
        _unless_committed(connection, lambda: self._delete(kept))
        self._blobs.put(kept.path, sealed)
        if cover is not None and kept.cover_path is not None:
            self._blobs.put(kept.cover_path, self._seal(organisation.id, cover))
        return kept.shown, _event(EventKind.CONTENT_KEPT, now, SYSTEM, kept.shown)

    def objects(self, connection: Connection, case: UUID) -> list[VaultObject]:
        """What was kept for a case, oldest first, the deleted ones too."""
        return [found.shown for found in stored_objects.objects_of_case(connection, case)]

    def cover(self, connection: Connection, organisation: UUID, object_id: UUID) -> bytes:
        """The cover, a small grey JPEG; never more. NotFound when there is none."""
        found = self._there(connection, organisation, object_id)
        if found.cover_path is None:
            raise NotFound("there is no cover for this content")
        return self._open(organisation, self._blobs.get(found.cover_path))

    def uncover(
        self, connection: Connection, organisation: UUID, member: Member, object_id: UUID
    ) -> Uncover:
        """Let this member see the clear content for 15 minutes; recorded in the ledger.

        Raises LimitExceeded once the member has uncovered LOOKS_ALLOWED within 24 hours.
        """
        _check_member(organisation, member)
        found = self._there(connection, organisation, object_id)
        now = self._clock()
        # Two presses at once must not both count as the last one allowed.
        repository.lock(connection, organisation)
        if self.looks(connection, organisation, member) >= LOOKS_ALLOWED:
            raise LimitExceeded(
                f"you have uncovered {LOOKS_ALLOWED} items within 24 hours; that is enough for one "
                "person, and a colleague can take the case"
            )
        made = Uncover(
            id=new_id(now),
            object=object_id,
            member=member.id,
            at=now,
            expires_at=now + UNCOVERED_FOR,
        )
        stored_objects.add_uncover(connection, organisation, made)
        self._record(
            connection,
            organisation,
            EventKind.CONTENT_UNCOVERED,
            now,
            _actor(member),
            found.shown,
            uncover=str(made.id),
            expires_at=made.expires_at,
        )
        return made

    def looks(self, connection: Connection, organisation: UUID, member: Member) -> int:
        """How often this member has uncovered something within the last 24 hours."""
        since = self._clock() - EXPOSURE_WINDOW
        return stored_objects.count_uncovers(connection, organisation, member.id, since)

    def uncovered_until(
        self, connection: Connection, organisation: UUID, member: Member, object_id: UUID
    ) -> datetime | None:
        """When this member's uncover of the object expires, where there is one."""
        return stored_objects.current_uncover(
            connection, organisation, object_id, member.id, self._clock()
        )

    def open(
        self, connection: Connection, organisation: UUID, member: Member, object_id: UUID
    ) -> tuple[bytes, str]:
        """The clear content and its MIME type, to a member whose uncover has not expired.

        Counted, and recorded in the ledger. Raises NotAllowed without such an uncover, and
        IntegrityBroken when the bytes are not those that were kept.
        """
        _check_member(organisation, member)
        found = self._there(connection, organisation, object_id)
        now = self._clock()
        uncover = stored_objects.serve(connection, organisation, object_id, member.id, now)
        if uncover is None:
            raise NotAllowed("uncover this content first; an uncover lasts 15 minutes")
        content = self._content(organisation, found)
        self._record(
            connection,
            organisation,
            EventKind.CONTENT_SERVED,
            now,
            _actor(member),
            found.shown,
            uncover=str(uncover.id),
            served=uncover.served,
            whole=True,
        )
        return content, found.shown.mime

    def release(
        self,
        connection: Connection,
        organisation: UUID,
        member: Member,
        object_id: UUID,
        *,
        to: str,
    ) -> bytes:
        """The clear bytes for a document to an authority, in this member's name; in the ledger.

        Nobody looks at them here, so it is no exposure and counts as no viewing.
        """
        _check_member(organisation, member)
        found = self._there(connection, organisation, object_id)
        content = self._content(organisation, found)
        self._record(
            connection,
            organisation,
            EventKind.CONTENT_RELEASED,
            self._clock(),
            _actor(member),
            found.shown,
            to=to,
        )
        return content

    def sweep(self, connection: Connection, organisation: UUID, now: datetime) -> int:
        """Delete all that is due by `now`, blobs and covers. Returns how many objects.

        The blobs go first: should the transaction fail after that, the next sweep finishes it.
        """
        deleted = 0
        while due := stored_objects.due_objects(connection, organisation, now, SWEPT_AT_ONCE):
            for found in due:
                self._delete(found)
            stored_objects.mark_deleted(connection, organisation, [it.shown.id for it in due], now)
            self._ledger.append(
                connection,
                organisation,
                [_event(EventKind.CONTENT_DELETED, now, SYSTEM, found.shown) for found in due],
            )
            deleted += len(due)
        return deleted

    def organisations(self) -> list[UUID]:
        """Whose content is or was in the vault, by the folders that are there."""
        return [UUID(name) for name in self._blobs.folders(VAULT_FOLDER)]

    def sweep_strays(self, connection: Connection, organisation: UUID) -> int:
        """Delete sealed blobs that no object on record has. Returns how many.

        A process that is killed between writing a blob and its commit leaves one. A blob is spared
        for an hour, in which its transaction may still be under way.
        """
        before = self._clock() - STRAYS_SPARED
        swept = 0
        paths = self._blobs.written_before(f"{VAULT_FOLDER}/{organisation}", before)
        while chunk := list(islice(paths, SWEPT_AT_ONCE)):
            known = stored_objects.paths_on_record(connection, organisation, chunk)
            for path in chunk:
                if path not in known:
                    swept += self._blobs.delete(path)
        return swept

    def _there(self, connection: Connection, organisation: UUID, object_id: UUID) -> StoredObject:
        found = stored_objects.object_with_id(connection, organisation, object_id)
        if found is None:
            raise NotFound("there is no such content")
        shown = found.shown
        over = shown.delete_at <= self._clock() and shown.legal_hold is None
        if shown.deleted_at is not None or over:
            raise NotFound("this content was deleted when its time was over")
        return found

    def _content(self, organisation: UUID, found: StoredObject) -> bytes:
        sealed = self._blobs.get(found.path)
        content = self._open(organisation, sealed)
        if hashlib.sha256(_named(found.shown.role, content, sealed)).hexdigest() != (
            found.shown.sha256
        ):
            raise IntegrityBroken(f"the content of {found.shown.id} is not what was kept")
        return content

    def _record(
        self,
        connection: Connection,
        organisation: UUID,
        kind: EventKind,
        at: datetime,
        actor: Actor,
        shown: VaultObject,
        **data: object,
    ) -> None:
        self._ledger.append(connection, organisation, [_event(kind, at, actor, shown, **data)])

    def _seal(self, organisation: UUID, clear: bytes) -> bytes:
        recipient = self._keyring.vault_identity(organisation).to_public()
        return bytes(pyrage.encrypt(clear, [recipient]))

    def _open(self, organisation: UUID, sealed: bytes) -> bytes:
        try:
            return bytes(pyrage.decrypt(sealed, [self._keyring.vault_identity(organisation)]))
        except pyrage.DecryptError as error:
            raise IntegrityBroken("sealed content cannot be opened with this key") from error

    def _delete(self, found: StoredObject) -> None:
        self._blobs.delete(found.path)
        if found.cover_path is not None:
            self._blobs.delete(found.cover_path)


def _unless_committed(connection: Connection, undo: Callable[[], None]) -> None:
    """Run `undo` once when the connection's present transaction is rolled back."""
    pending = [undo]

    def committed(_: Connection) -> None:
        pending.clear()

    def rolled_back(_: Connection) -> None:
        while pending:
            # The error that led here matters more; what stays behind is sealed.
            with suppress(Unavailable):
                pending.pop()()

    event.listen(connection, "commit", committed)
    event.listen(connection, "rollback", rolled_back)


def _refusal(organisation: Organisation) -> Refusal:
    field = "keep_content" if organisation.keep_content is None else "keep_days"
    what = (
        "keeping content is switched off"
        if organisation.keep_content is None
        else "no number of days is set after which content is deleted"
    )
    return Refusal(
        reason=f"no content kept: {what} for this organisation",
        field=field,
        code=NotAllowed.code,
    )


def _named(role: VaultRole, content: bytes, sealed: bytes) -> bytes:
    """The bytes that an object's sha256 names."""
    return content if role is VaultRole.CONTENT else sealed


def _check_member(organisation: UUID, member: Member) -> None:
    if member.organisation != organisation:
        raise NotAllowed("the member belongs to another organisation")
    member.require(Permission.CONTENT_UNCOVER)


def _actor(member: Member) -> Actor:
    return Actor(kind=ActorKind.MEMBER, name=member.name, id=member.id)


def _event(
    kind: EventKind, at: datetime, actor: Actor, shown: VaultObject, **data: object
) -> Event:
    return Event(
        kind=kind,
        at=at,
        actor=actor,
        subject=str(shown.id),
        case=shown.case,
        data={
            "item": str(shown.item),
            "role": shown.role.value,
            "mime": shown.mime,
            "size": shown.size,
            "sha256": shown.sha256,
            "basis": shown.basis,
            "delete_at": shown.delete_at,
            **data,
        },
    )
