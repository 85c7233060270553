"""Recomputing a whole ledger from its events, and naming the first place where it is broken.

Goes through the events in order and in chunks, so that memory hardly grows with the ledger. What it
cannot see by itself is a ledger cut short, or signed anew as a whole by someone who holds the keys:
those are found against a head kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from lapwing.evidence import repository
from lapwing.evidence.heads import SignedHead, check_head
from lapwing.evidence.leaves import SALT, commitment, read_event
from lapwing.evidence.merkle import join, leaf_hash, node_hash
from lapwing.evidence.repository import Extent, Leaf, Stamp
from lapwing.evidence.rotation import Succession, rotation_in
from lapwing.evidence.stamps import Authority
from lapwing.evidence.tiles import HASH, HEIGHT, WIDTH, edge_of
from lapwing.model.errors import IntegrityBroken, InvalidInput

CHUNK = 32 * WIDTH
"""Events read at a time."""

Progress = Callable[[int, int], None]
"""Called with (events checked, events in all)."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked and held.

    `erased` events have lost their body on time: their leaves still stand in the tree, but what
    they said can no longer be shown. `kept` is the head from elsewhere that was compared.
    """

    organisation: UUID
    size: int
    root: str
    """Hex."""
    head: SignedHead | None
    heads: int
    erased: int
    kept: SignedHead | None = None
    stamps: int = 0
    """Time stamps of heads; checked when an authority is set, else only counted."""
    stamped_until: int = 0
    """Size of the newest head with a checked time stamp; 0 for none."""


def verify_ledger(
    connection: Connection,
    organisation: UUID,
    keys: Mapping[str, Ed25519PublicKey],
    kept: SignedHead | None,
    progress: Progress,
    authority: Authority | None = None,
) -> Verification:
    """Check every event, tile, head, signature and time stamp up to the newest head.

    Raises IntegrityBroken at the first break, InvalidInput when `kept` is another organisation's.
    """
    extent = repository.extent(connection, organisation)
    size = extent.head.size if extent.head else 0
    if kept is not None:
        _check_kept(kept, organisation, size, keys)
    if extent.last is not None and extent.last >= size:
        raise _broken(size, "no signed head covers the event")
    run = _Recomputation(keys, kept, authority)
    run.heads_at(repository.heads(connection, organisation, -1, 0))
    for start in range(0, size, CHUNK):
        end = min(start + CHUNK, size)
        run.chunk(
            end,
            repository.leaves(connection, organisation, start, end),
            repository.tile_range(connection, organisation, 0, start // WIDTH, -(-end // WIDTH)),
            repository.heads(connection, organisation, start, end),
            repository.stamps(connection, organisation, start, end),
        )
        progress(end, size)
    _check_upper_tiles(connection, organisation, run.upper, size)
    _check_edge(extent, size)
    return Verification(
        organisation=organisation,
        size=size,
        root=run.root().hex(),
        head=extent.head,
        heads=run.heads,
        erased=run.erased,
        kept=kept,
        stamps=run.stamps,
        stamped_until=run.stamped_until,
    )


def check_leaf(leaf: Leaf) -> bool:
    """Whether the event still has its body, which then fits its commitment and its columns.

    Raises IntegrityBroken when something does not fit.
    """
    if leaf.salt is None and leaf.body is None:
        return False
    if leaf.salt is None or leaf.body is None or len(leaf.salt) != SALT:
        raise _broken(leaf.position, "the event is only half erased")
    if commitment(leaf.salt, leaf.body) != leaf.commitment:
        raise _broken(leaf.position, "the event does not fit its commitment")
    try:
        event = read_event(leaf.body)
    except msgspec.DecodeError as error:
        raise _broken(leaf.position, "the event cannot be read") from error
    if (event.kind, event.at, event.subject, event.case) != (
        leaf.kind,
        leaf.at,
        leaf.subject,
        leaf.case_id,
    ):
        raise _broken(leaf.position, "the event does not fit its row")
    return True


class _Recomputation:
    """A tree that grows event by event beside the stored one.

    `stack` holds the roots of the perfect subtrees so far, left to right. `upper[level]` gathers
    the hashes that the tiles of levels 1 and up must hold.
    """

    def __init__(
        self,
        keys: Mapping[str, Ed25519PublicKey],
        kept: SignedHead | None,
        authority: Authority | None,
    ) -> None:
        self.size = self.heads = self.erased = self.stamps = self.stamped_until = 0
        self.upper: dict[int, list[bytes]] = {}
        self._stack: list[bytes] = []
        self._keys = keys
        self._kept = kept
        self._authority = authority
        self._since: datetime | None = None
        self._signed = 0
        self._keys_in_turn = Succession()

    def chunk(
        self,
        end: int,
        leaves: list[Leaf],
        tiles: Mapping[int, bytes],
        heads: list[SignedHead],
        stamps: list[Stamp],
    ) -> None:
        rows, due = iter(leaves), {head.size: head for head in heads}
        for stamp in stamps:
            self._check_stamp(due.get(stamp.size), stamp)
        while self.size < end:
            position = self.size
            leaf = next(rows, None)
            if leaf is None or leaf.position != position:
                raise _broken(position, "the event is missing")
            if not check_leaf(leaf):
                self.erased += 1
            hashed = leaf_hash(leaf.commitment)
            number, offset = position // WIDTH, position % WIDTH * HASH
            if tiles.get(number, b"")[offset : offset + HASH] != hashed:
                raise _broken(position, "the stored tree holds another leaf")
            self._push(hashed)
            if self.size in due:
                self.heads_at([due[self.size]])
            if self._kept is not None and self._kept.size == self.size:
                self._compare(self._kept)
            rotation = rotation_in(leaf.kind, leaf.body, position)
            if rotation is not None:
                self._keys_in_turn.take(position, rotation, signed=self.size in due)

    def heads_at(self, heads: list[SignedHead]) -> None:
        """Check the heads of the present size."""
        for head in heads:
            check_head(head, self._keys)
            self._keys_in_turn.check(head)
            if head.root != self.root().hex():
                raise _broken(
                    self._signed,
                    f"the tree here or later differs from the one signed at size {head.size}",
                )
            if self._since is not None and head.at < self._since:
                raise IntegrityBroken(f"the head of size {head.size} is older than the one before")
            self._since, self._signed = head.at, head.size
            self.heads += 1

    def root(self) -> bytes:
        return join(self._stack)

    def _check_stamp(self, head: SignedHead | None, stamp: Stamp) -> None:
        if head is None:
            raise IntegrityBroken(f"the head of size {stamp.size} is gone, its time stamp stays")
        self.stamps += 1
        if self._authority is not None:
            self._authority.check(head, stamp)
            self.stamped_until = head.size

    def _compare(self, kept: SignedHead) -> None:
        if kept.root != self.root().hex():
            raise IntegrityBroken(
                f"the first {kept.size} events are not those of the kept head: "
                "the ledger has been rewritten and signed anew"
            )
        self._keys_in_turn.check(kept)

    def _push(self, node: bytes) -> None:
        height, index = 0, self.size
        while index & 1:
            node = node_hash(self._stack.pop(), node)
            height, index = height + 1, index >> 1
            if height % HEIGHT == 0:
                self.upper.setdefault(height // HEIGHT, []).append(node)
        self._stack.append(node)
        self.size += 1


def _check_kept(
    kept: SignedHead, organisation: UUID, size: int, keys: Mapping[str, Ed25519PublicKey]
) -> None:
    if kept.organisation != organisation:
        raise InvalidInput("the kept head is another organisation's", field="head")
    try:
        check_head(kept, keys)
    except IntegrityBroken as error:
        raise IntegrityBroken(
            f"the kept head does not verify, or the signing keys were replaced: {error.message}"
        ) from error
    if kept.size > size:
        raise _broken(
            size, f"the ledger has been cut short: the kept head counts {kept.size} events"
        )


def _check_upper_tiles(
    connection: Connection, organisation: UUID, upper: Mapping[int, list[bytes]], size: int
) -> None:
    for level, hashes in upper.items():
        for first in range(0, len(hashes), CHUNK):
            part = hashes[first : first + CHUNK]
            low, high = first // WIDTH, -(-(first + len(part)) // WIDTH)
            tiles = repository.tile_range(connection, organisation, level, low, high)
            stored = b"".join(
                tiles.get(number, b"").ljust(WIDTH * HASH, b"\0") for number in range(low, high)
            )
            for i, node in enumerate(part):
                if stored[i * HASH : (i + 1) * HASH] != node:
                    position = (first + i) << (level * HEIGHT)
                    raise _broken(position, f"the stored tree is broken at level {level}")


def _check_edge(extent: Extent, size: int) -> None:
    """Nothing may stand in the tiles beyond the newest head."""
    expected = edge_of(size)
    for coordinate, hashes in extent.tiles.items():
        if len(hashes) != expected.get(coordinate, 0) * HASH:
            raise _broken(size, f"the stored tree holds more than its head signs, in {coordinate}")


def _broken(position: int, what: str) -> IntegrityBroken:
    return IntegrityBroken(f"position {position}: {what}", position=position)
