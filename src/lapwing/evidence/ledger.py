"""The ledger: an append-only, tamper-evident record of what happened in one organisation.

Leaves are salted commitments to events (`leaves`), gathered in an RFC 6962 tree (`merkle`, kept as
`tiles`), whose size and root are signed after every append (`heads`). docs/ledger.md writes the
formats down for a stranger. Nothing here changes or removes a leaf; only an event's salt and body
may be erased, when their time has come.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from lapwing.evidence import repository
from lapwing.evidence.exporting import exported
from lapwing.evidence.heads import SignedHead, sign_head, verifier_key
from lapwing.evidence.leaves import Sealed, seal
from lapwing.evidence.merkle import (
    Range,
    consistency_ranges,
    inclusion_ranges,
    inclusion_root,
    leaf_hash,
)
from lapwing.evidence.proofs import ConsistencyProof, InclusionProof
from lapwing.evidence.repository import Newest, Stamp
from lapwing.evidence.rotation import Rotation, rotation_event, rotation_in
from lapwing.evidence.stamps import Authority, queue_stamps
from lapwing.evidence.tiles import coordinates, edge_of, grow, hash_ranges
from lapwing.evidence.timeline import timeline_entry
from lapwing.evidence.verification import Progress, Verification, verify_ledger
from lapwing.model.actors import Actor
from lapwing.model.cases import TimelineEntry
from lapwing.model.errors import IntegrityBroken, InvalidInput, NotFound
from lapwing.model.events import Event, EventKind
from lapwing.store.clock import Clock
from lapwing.store.keyring import Keyring

MOST = 2**63 - 1


class Ledger:
    """The ledgers of all organisations on this node. Holds no state of its own."""

    def __init__(
        self,
        keyring: Keyring,
        clock: Clock,
        *,
        entropy: Callable[[int], bytes] = os.urandom,
        authority: Authority | None = None,
    ) -> None:
        """With an `authority`, jobs that ask it for time stamps are queued as heads are signed."""
        self._authority = authority
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy

    def append(
        self, connection: Connection, organisation: UUID, events: Sequence[Event]
    ) -> SignedHead:
        """Write events in the caller's transaction and sign the new head.

        Event i stands at position `head.size - len(events) + i`. Other appends to the same
        organisation wait until the transaction ends, so append last. A head's time never lies
        before that of the head it follows, whatever the clock says. Raises Unavailable when the
        key that signs this ledger is not in the key folder.
        """
        if any(event.kind is EventKind.SIGNING_KEY_ROTATED for event in events):
            raise InvalidInput("a signing key is rotated with `rotate_key` only", field="kind")
        sealed = seal(events, self._entropy)
        repository.lock(connection, organisation)
        newest = repository.newest(connection, organisation)
        if newest is not None and not events:
            return newest[0]
        signer = self._signer(organisation, newest)
        return self._append(connection, organisation, sealed, newest, signer)

    def rotate_key(self, connection: Connection, organisation: UUID, actor: Actor) -> Rotation:
        """Put a new signing key in force: the old one signs this event, and nothing after it.

        Once the transaction has ended, `retire_keys` destroys the old one's private half.
        """
        repository.lock(connection, organisation)
        newest = repository.newest(connection, organisation)
        signer = self._signer(organisation, newest)
        new = self._keyring.new_signing_key(organisation)
        event = rotation_event(organisation, signer[0], new, actor, self._clock)
        self._append(connection, organisation, seal([event], self._entropy), newest, signer)
        return msgspec.convert(event.data, Rotation)

    def retire_keys(self, connection: Connection, organisation: UUID) -> tuple[str, ...]:
        """Destroy every private signing key but the one in force; returns their ids.

        In a transaction of its own, after that of `rotate_key`. Safe to repeat.
        """
        repository.lock(connection, organisation)
        newest = repository.newest(connection, organisation)
        if newest is None:
            return ()
        in_force, _ = self._signer(organisation, newest)
        return self._keyring.retire_signing_keys(organisation, in_force)

    def _append(
        self,
        connection: Connection,
        organisation: UUID,
        sealed: Sequence[Sealed],
        newest: Newest | None,
        signer: tuple[str, Ed25519PrivateKey],
    ) -> SignedHead:
        last = newest[0] if newest else None
        size = last.size if last else 0
        edge = repository.tiles(connection, organisation, edge_of(size))
        try:
            grown = grow(size, edge, [leaf_hash(leaf.commitment) for leaf in sealed])
        except (KeyError, ValueError) as error:
            raise IntegrityBroken(f"the ledger's stored tree is incomplete: {error}") from error
        if sealed:
            repository.add_leaves(connection, organisation, size, sealed)
            repository.put_tiles(connection, organisation, grown.tiles)
        now = self._clock()
        at = max(now, last.at) if last else now
        head = sign_head(organisation, grown.size, grown.root, at, *signer)
        repository.add_head(connection, head)
        if self._authority is not None:
            queue_stamps(connection, last, head)
        return head

    def head(self, connection: Connection, organisation: UUID) -> SignedHead | None:
        """The newest signed head; None before the first event."""
        return repository.latest_head(connection, organisation)

    def prove(
        self,
        connection: Connection,
        organisation: UUID,
        position: int,
        size: int | None = None,
    ) -> InclusionProof:
        """Proof that an event stands in the tree of `size` leaves (default: the newest head's).

        Raises NotFound when there is no such event or the tree is smaller.
        """
        size = self._within(connection, organisation, size)
        leaf = repository.leaf_at(connection, organisation, position)
        if leaf is None or position >= size:
            raise NotFound(f"there is no event {position} in a ledger of {size}")
        path = self._hashes(connection, organisation, inclusion_ranges(position, size))
        root = inclusion_root(leaf_hash(leaf.commitment), position, size, path)
        if root is None:
            raise IntegrityBroken("the ledger's stored tree is incomplete", position=position)
        return InclusionProof(
            organisation=organisation,
            position=position,
            size=size,
            commitment=leaf.commitment.hex(),
            path=tuple(step.hex() for step in path),
            root=root.hex(),
        )

    def prove_growth(
        self, connection: Connection, organisation: UUID, old: int, new: int | None = None
    ) -> ConsistencyProof:
        """Proof that the tree of `old` leaves begins the tree of `new` (default: the newest)."""
        new = self._within(connection, organisation, new)
        if not 0 <= old <= new:
            raise NotFound(f"there is no head of {old} events in a ledger of {new}")
        ranges = [(0, old), (0, new), *consistency_ranges(old, new)]
        old_root, new_root, *path = self._hashes(connection, organisation, ranges)
        return ConsistencyProof(
            organisation=organisation,
            old_size=old,
            new_size=new,
            path=tuple(step.hex() for step in path),
            old_root=old_root.hex(),
            new_root=new_root.hex(),
        )

    def verify(
        self,
        connection: Connection,
        organisation: UUID,
        kept: SignedHead | None = None,
        *,
        progress: Progress = lambda done, total: None,
    ) -> Verification:
        """Recompute everything; see `lapwing.evidence.verification`.

        Raises IntegrityBroken naming the first broken position.
        """
        keys = self._keyring.verify_keys(organisation)
        return verify_ledger(connection, organisation, keys, kept, progress, self._authority)

    def stamps(self, connection: Connection, organisation: UUID) -> list[tuple[SignedHead, Stamp]]:
        """Heads that have a time stamp, oldest first, with it."""
        found = []
        for stamp in repository.stamps(connection, organisation, -1, MOST):
            head = repository.head_of_size(connection, organisation, stamp.size)
            if head is not None:
                found.append((head, stamp))
        return found

    def export(
        self,
        connection: Connection,
        organisation: UUID,
        *,
        withhold: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> Iterator[bytes]:
        """The whole ledger as lines of JSON; see `lapwing.evidence.exporting`."""
        keys = self._keyring.verify_keys(organisation)
        return exported(connection, organisation, keys, withhold=withhold, progress=progress)

    def public_keys(self, organisation: UUID) -> list[str]:
        """The public signing keys, retired ones too, as signed-note tools take them."""
        keys = self._keyring.verify_keys(organisation).values()
        return [verifier_key(organisation, key) for key in keys]

    def forget(self, connection: Connection, organisation: UUID, positions: Collection[int]) -> int:
        """Erase salt and body of events, for good. Every proof and head still holds.

        Returns how many were erased; those already erased are not counted again.
        """
        return repository.erase(connection, organisation, positions)

    def events_of_case(
        self, connection: Connection, organisation: UUID, case: UUID
    ) -> list[TimelineEntry]:
        """What happened to a case, oldest first."""
        return [
            timeline_entry(leaf)
            for leaf in repository.leaves_of_case(connection, organisation, case)
        ]

    def _signer(self, organisation: UUID, newest: Newest | None) -> tuple[str, Ed25519PrivateKey]:
        """The key in force behind the newest head: its own, or the one it hands over to."""
        if newest is None:
            return self._keyring.signing_key(organisation)
        head, leaf = newest
        rotation = rotation_in(leaf.kind, leaf.body, leaf.position) if leaf else None
        return self._keyring.signing_key(organisation, rotation.new if rotation else head.key_id)

    def _within(self, connection: Connection, organisation: UUID, size: int | None) -> int:
        head = repository.latest_head(connection, organisation)
        newest = head.size if head else 0
        if size is None:
            return newest
        if not 0 <= size <= newest:
            raise NotFound(f"there is no head of {size} events in a ledger of {newest}")
        return size

    def _hashes(
        self, connection: Connection, organisation: UUID, ranges: list[Range]
    ) -> list[bytes]:
        tiles = repository.tiles(connection, organisation, coordinates(ranges))
        try:
            return hash_ranges(ranges, lambda level, number: tiles[level, number])
        except (KeyError, ValueError) as error:
            raise IntegrityBroken(f"the ledger's stored tree is incomplete: {error}") from error
