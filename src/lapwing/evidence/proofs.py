"""Proofs that leave the ledger: each can be checked with nothing but itself and a head. Pure."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from lapwing.evidence.heads import SignedHead
from lapwing.evidence.merkle import check_consistency, check_inclusion, leaf_hash


class InclusionProof(Struct, frozen=True, kw_only=True):
    """The event with this commitment stands at `position` in the tree of `size`. Hashes in hex."""

    organisation: UUID
    position: int
    size: int
    commitment: str
    path: tuple[str, ...]
    root: str

    def holds(self) -> bool:
        """Whether the path leads from the commitment to the root."""
        return check_inclusion(
            leaf_hash(bytes.fromhex(self.commitment)),
            self.position,
            self.size,
            [bytes.fromhex(step) for step in self.path],
            bytes.fromhex(self.root),
        )

    def holds_under(self, head: SignedHead) -> bool:
        """Whether the proof holds and ends in this head, whose signature is checked elsewhere."""
        same = (head.organisation, head.size, head.root) == (
            self.organisation,
            self.size,
            self.root,
        )
        return same and self.holds()


class ConsistencyProof(Struct, frozen=True, kw_only=True):
    """The tree of `old_size` leaves is the beginning of the one of `new_size`. Hashes in hex."""

    organisation: UUID
    old_size: int
    new_size: int
    path: tuple[str, ...]
    old_root: str
    new_root: str

    def holds(self) -> bool:
        return check_consistency(
            self.old_size,
            self.new_size,
            bytes.fromhex(self.old_root),
            bytes.fromhex(self.new_root),
            [bytes.fromhex(step) for step in self.path],
        )
