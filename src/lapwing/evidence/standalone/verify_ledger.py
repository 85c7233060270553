#!/usr/bin/env python3
"""Checks a Lapwing ledger without Lapwing: Python's standard library and `cryptography` only.

    verify_ledger.py ledger EXPORT [--head FILE]... [--key KEY]...
    verify_ledger.py inclusion PROOF --head FILE --key KEY [--event FILE]
    verify_ledger.py consistency PROOF --old FILE --new FILE --key KEY

EXPORT is what `lapwing ledger export` wrote (NDJSON, or NDJSON in gzip), FILE a signed head kept
elsewhere, KEY a public key as `lapwing ledger keys` prints it, known from somewhere else than the
export. PROOF is what the API's /v1/ledger/proof and /v1/ledger/consistency answer. Formats:
docs/ledger.md. Exit code 0: everything holds; 1: something is broken, and the first broken place is
named; 2: a file cannot be read or the command line is wrong.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LONGEST_LINE = 64 << 20
ROTATED = "ledger.key_rotated"
SIGNER = r"lapwing\.ledger/v1/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NOTE = re.compile(
    rf"(?P<body>(?P<name>{SIGNER})\n(?P<size>0|[1-9][0-9]{{0,18}})\n(?P<root>[A-Za-z0-9+/]{{43}}=)\n"
    r"time (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)\n"
    r"key (?P<key>[0-9a-f]{16})\n)\n— (?P<signer>[^ \n]+) (?P<signature>[A-Za-z0-9+/]{91}=)\n?",
    re.ASCII,
)


class Broken(Exception):
    """What was to be proven does not hold."""


class Unusable(Exception):
    """A file that is not what it should be, before anything of it could be checked."""


class Head(NamedTuple):
    """A signed note, its signature not yet checked. `at` compares as text."""

    name: str
    size: int
    root: bytes
    at: str
    key: str
    signed: bytes
    signature: bytes


class Summary(NamedTuple):
    """What was checked and holds."""

    name: str
    size: int
    root: str
    at: str | None
    heads: int
    keys: list[str]
    erased: int
    withheld: int
    stamps: int
    kept: list[int]


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(commitment: bytes) -> bytes:
    return sha256(b"\x00", commitment)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01", left, right)


# Heads and keys


def read_head(text: str) -> Head:
    note = NOTE.fullmatch(text)
    if note is None or note["signer"] != note["name"]:
        raise Broken("this is not a signed ledger head")
    signature = base64.b64decode(note["signature"])
    if signature[:4].hex() != note["key"][:8]:
        raise Broken("the head names one key and its signature another")
    return Head(
        name=note["name"],
        size=int(note["size"]),
        root=base64.b64decode(note["root"]),
        at=note["at"],
        key=note["key"],
        signed=note["body"].encode(),
        signature=signature[4:],
    )


class Keys:
    """Public keys of one ledger by id; `pinned` are those known from elsewhere."""

    def __init__(self, name: str, pinned: list[str]) -> None:
        self.name = name
        self._known: dict[str, Ed25519PublicKey] = {}
        self.pinned = {self.add(written) for written in pinned}

    def add(self, written: str) -> str:
        """Take a key written `<name>+<key hash>+<base64 of 0x01 ‖ key>`; returns its id."""
        name, _, rest = written.partition("+")
        short, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw[1:])
        except ValueError as error:
            raise Broken(f"this is not a public key: {written[:100]!r}") from error
        identity = sha256(name.encode(), b"\n\x01", raw[1:]).hex()[:16]
        if raw[:1] != b"\x01" or name != self.name or identity[:8] != short:
            raise Broken(f"this is not a public key of {self.name}: {written[:100]!r}")
        self._known[identity] = key
        return identity

    def check(self, head: Head) -> None:
        """Raise Broken unless one of the keys signed the head."""
        if head.name != self.name:
            raise Broken(f"the head of size {head.size} is another ledger's: {head.name}")
        if head.key not in self._known:
            raise Broken(f"the head of size {head.size} names an unknown key {head.key}")
        try:
            self._known[head.key].verify(head.signature, head.signed)
        except InvalidSignature:
            raise Broken(f"the signature of the head of size {head.size} is wrong") from None


# A whole ledger


class Recomputation:
    """Goes through an export line by line and keeps no more than the edge of the tree."""

    def __init__(self, name: str, size: int, pinned: list[str], kept: list[Head]) -> None:
        self.name = name
        self.announced = size
        self.keys = Keys(name, pinned)
        self.size = self.heads = self.erased = self.withheld = self.stamps = 0
        self.in_turn: list[str] = []
        self._signed: set[str] = set()
        self.last: Head | None = None
        self._handover: dict[str, Any] | None = None
        self._stack: list[bytes] = []
        self._kept = sorted(kept, key=lambda head: head.size)
        self._waiting = list(self._kept)

    def take(self, line: dict[str, Any]) -> None:
        """One line of the export."""
        if "position" in line:
            self._event(line)
        elif "head" in line:
            self._head(read_head(_text(line, "head")))
        elif "key" in line:
            self.keys.add(_text(line, "key"))
        elif "stamp" in line:
            self.stamps += 1
        else:
            raise self._broken("a line that belongs to no ledger")

    def end(self) -> Summary:
        """Raise Broken unless everything that was announced was there and signed."""
        self._settle()
        if self.size < self.announced:
            raise self._broken(f"the export ends here, but says it holds {self.announced} events")
        covered = self.last.size if self.last else 0
        if covered < self.size:
            raise Broken(f"position {covered}: no signed head covers the event")
        if self._waiting:
            counted = self._waiting[0].size
            raise self._broken(f"the ledger has been cut short: the kept head counts {counted}")
        if self.keys.pinned and not self.keys.pinned & self._signed:
            raise Broken("no head is signed with the given key: the signing keys were replaced")
        at = self.last.at if self.last else None
        counts = (self.erased, self.withheld, self.stamps)
        kept = [head.size for head in self._kept]
        root = self.root().hex()
        return Summary(self.name, self.size, root, at, self.heads, self.in_turn, *counts, kept)

    def root(self) -> bytes:
        if not self._stack:
            return sha256()
        root = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            root = node_hash(left, root)
        return root

    def _event(self, line: dict[str, Any]) -> None:
        self._settle()
        if self.size >= self.announced:
            raise self._broken(f"an event beyond the {self.announced} that the export announces")
        position = line["position"]
        if type(position) is not int or position != self.size:
            raise self._broken(f"the event is missing; {position!r:.40} stands in its place")
        commitment = self._bytes(line, "commitment", 32)
        if line.get("withheld") is True and not {"salt", "event"} & line.keys():
            self.withheld += 1
        elif not {"salt", "event", "withheld"} & line.keys():
            self.erased += 1
        else:
            self._check_event(line, commitment)
        self._push(leaf_hash(commitment))

    def _check_event(self, line: dict[str, Any], commitment: bytes) -> None:
        salt = self._bytes(line, "salt", 16)
        written = line.get("event")
        if not isinstance(written, str):
            raise self._broken("the event is only half there")
        body = written.encode("utf-8", "surrogatepass")
        if sha256(salt, body) != commitment:
            raise self._broken("the event does not fit its commitment")
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            raise self._broken("the event cannot be read") from None
        if isinstance(event, dict) and event.get("kind") == ROTATED:
            self._handover = event.get("data")
            if not isinstance(self._handover, dict):
                raise self._broken("the rotation of the signing key cannot be read")

    def _push(self, node: bytes) -> None:
        index = self.size
        while index & 1:
            node = node_hash(self._stack.pop(), node)
            index >>= 1
        self._stack.append(node)
        self.size += 1

    def _head(self, head: Head) -> None:
        covered = self.last.size if self.last else 0
        if head.size != self.size:
            raise Broken(
                f"position {covered}: here or later events were taken out or put in: the head of "
                f"size {head.size} stands behind {self.size} events"
            )
        self._check_signer(head)
        if head.root != self.root():
            raise Broken(
                f"position {covered}: the tree here or later differs from the one signed at size "
                f"{head.size}"
            )
        if self.last is not None and head.at < self.last.at:
            raise Broken(f"the head of size {head.size} is older than the one before")
        self.last = head
        self.heads += 1
        self._signed.add(head.key)

    def _check_signer(self, head: Head) -> None:
        self.keys.check(head)
        if not self.in_turn:
            self.in_turn.append(head.key)
        if head.key in self.in_turn[:-1]:
            raise Broken(
                f"the head of size {head.size} is signed with the key {head.key}, which was "
                "retired before"
            )
        if head.key != self.in_turn[-1]:
            raise Broken(
                f"the head of size {head.size} is signed with the key {head.key}, "
                f"where {self.in_turn[-1]} was in force"
            )

    def _settle(self) -> None:
        """Before the next event: compare kept heads of this size, and let a rotation take hold.

        The head that ends with a rotation is the last of the old key.
        """
        while self._waiting and self._waiting[0].size == self.size:
            self._compare(self._waiting.pop(0))
        if self._handover is None:
            return
        old, new, written = (self._handover.get(name) for name in ("old", "new", "key"))
        self._handover = None
        place = f"position {self.size - 1}"
        if self.last is None or self.last.size != self.size or old != self.in_turn[-1]:
            raise Broken(f"{place}: the key that it retires did not sign its own rotation")
        if not isinstance(written, str) or self.keys.add(written) != new or new in self.in_turn:
            raise Broken(f"{place}: the rotation puts no new signing key in force")
        self.in_turn.append(str(new))

    def _compare(self, head: Head) -> None:
        """A head kept elsewhere against the tree, which has its size now."""
        self._check_signer(head)
        if head.root != self.root():
            raise Broken(
                f"the first {head.size} events are not those of the kept head: the ledger has "
                "been rewritten and signed anew"
            )

    def _bytes(self, line: dict[str, Any], name: str, length: int) -> bytes:
        try:
            read = bytes.fromhex(line[name])
        except (KeyError, TypeError, ValueError):
            raise self._broken(f"there is no {name} that can be read") from None
        if len(read) != length:
            raise self._broken(f"a {name} has {length} bytes")
        return read

    def _broken(self, what: str) -> Broken:
        return Broken(f"position {self.size}: {what}")


def verify_ledger(lines: Iterator[bytes], kept: list[Head], pinned: list[str]) -> Summary:
    """Check an export. Raises Broken, which names the first broken place, or Unusable."""
    try:
        first = _object(next(lines, b""))
    except ValueError:
        first = {}
    name, size = first.get("ledger"), first.get("size")
    if not isinstance(name, str) or not re.fullmatch(SIGNER, name, re.ASCII):
        raise Unusable("this is not an exported ledger")
    if type(size) is not int or size < 0:
        raise Unusable("the export does not say how many events it holds")
    run = Recomputation(name, size, pinned, kept)
    for number, line in enumerate(lines, 2):
        try:
            read = _object(line)
        except ValueError:
            raise Broken(f"position {run.size}: line {number} cannot be read") from None
        if "end" in read:
            break
        run.take(read)
    else:
        raise Broken(f"position {run.size}: the export has no end: it was cut off")
    if next(lines, b""):
        raise Broken("something stands behind the end of the export")
    return run.end()


# Proofs


def check_inclusion(proof: dict[str, Any], head: Head) -> None:
    """Raise Broken unless the proof leads from its commitment to this head (RFC 9162 §2.1.3.2)."""
    position, size, path = _numbers(proof, "position", "size")
    if size != head.size or not 0 <= position < size:
        raise Broken("the proof is for another tree than the head's")
    leaf = leaf_hash(_hash(proof.get("commitment")))
    if climb(position, size - 1, leaf, path)[1] != head.root:
        raise Broken("the proof does not lead to the head's root")


def check_consistency(proof: dict[str, Any], old: Head, new: Head) -> None:
    """Raise Broken unless the old head's tree begins the new one's (RFC 9162 §2.1.4.2)."""
    old_size, new_size, path = _numbers(proof, "old_size", "new_size")
    if (old_size, new_size) != (old.size, new.size) or old.size > new.size:
        raise Broken("the proof is for other trees than those of the heads")
    if old.at > new.at:
        raise Broken("the later head is older than the earlier one")
    if old.size in (0, new.size):
        holds = not path and old.root == (new.root if old.size else sha256())
    else:
        node, last = old.size - 1, new.size - 1
        if old.size & node == 0:
            path.insert(0, old.root)
        while node & 1:
            node, last = node >> 1, last >> 1
        holds = bool(path) and climb(node, last, path[0], path[1:]) == (old.root, new.root)
    if not holds:
        raise Broken("the proof does not lead from one head to the other")


def climb(node: int, last: int, start: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """The roots of the smaller and the larger tree to which a path leads from a node."""
    first = second = start
    for step in path:
        if last == 0:
            raise Broken("the proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    if last:
        raise Broken("the proof is too short")
    return first, second


def check_event(proof: dict[str, Any], line: dict[str, Any]) -> None:
    """Raise Broken unless the event of an export's line is the one that the proof is about."""
    try:
        salt, body = bytes.fromhex(line["salt"]), line["event"].encode()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unusable("the event's file is no line of an export with salt and event") from None
    if sha256(salt, body) != _hash(proof.get("commitment")):
        raise Broken("another event was recorded")


def _numbers(proof: dict[str, Any], *names: str) -> tuple[int, int, list[bytes]]:
    first, second = (proof.get(name) for name in names)
    steps = proof.get("path")
    if type(first) is not int or type(second) is not int or not isinstance(steps, list):
        raise Unusable("this is not a proof")
    return first, second, [_hash(step) for step in steps]


def _hash(written: object) -> bytes:
    try:
        read = bytes.fromhex(written) if isinstance(written, str) else b""
    except ValueError:
        read = b""
    if len(read) != 32:
        raise Unusable("this is not a proof: a hash has 64 hex digits")
    return read


# Files and the command line


def _object(line: bytes) -> dict[str, Any]:
    """One JSON object; ValueError for anything else."""
    try:
        read = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(read, dict):
        raise ValueError("not an object")
    return read


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE):
        yield line


def _text(line: dict[str, Any], name: str) -> str:
    if not isinstance(line[name], str):
        raise Broken(f"a {name} that cannot be read")
    return str(line[name])


def _head_file(path: Path) -> Head:
    """A signed note, or the JSON that the API's /v1/ledger/head answers."""
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("{"):
        text = _note(_object(text.encode()))
    try:
        return read_head(text)
    except Broken as error:
        raise Unusable(f"{path}: {error}") from None


def _note(head: dict[str, Any]) -> str:
    name = f"lapwing.ledger/v1/{head.get('organisation')}"
    seconds, _, fraction = str(head.get("at")).removesuffix("Z").partition(".")
    root = base64.b64encode(_hash(head.get("root"))).decode()
    key, signature = str(head.get("key_id")), str(head.get("signature"))
    signed = base64.b64encode(bytes.fromhex(key[:8]) + bytes.fromhex(signature)).decode()
    return (
        f"{name}\n{head.get('size')}\n{root}\ntime {seconds}.{fraction:0<6}Z\nkey {key}\n\n"
        f"— {name} {signed}\n"
    )


def _run(given: argparse.Namespace) -> str:
    if given.what == "ledger":
        kept = [_head_file(path) for path in given.head]
        opened = gzip.open if given.file.suffix == ".gz" else open
        with opened(given.file, "rb") as stream:
            summary = verify_ledger(_lines(stream), kept, given.key)
        return json.dumps(summary._asdict()) if given.json else _told(summary)
    proof = _object(given.file.read_bytes())
    heads = [_head_file(path) for path in given.heads]
    for head in heads:
        Keys(head.name, given.key).check(head)
        if proof.get("organisation") != head.name.rpartition("/")[2]:
            raise Broken("the proof and the head are of different ledgers")
    if given.what == "inclusion":
        check_inclusion(proof, heads[0])
        if given.event is not None:
            check_event(proof, _object(given.event.read_bytes()))
        return f"event {proof['position']} is in the ledger signed at size {heads[0].size}"
    check_consistency(proof, *heads)
    return f"the ledger of {heads[0].size} events begins the one of {heads[1].size}"


def _told(summary: Summary) -> str:
    lines = [
        f"The ledger holds: {summary.size:,} events under {summary.heads:,} signed heads.",
        f"  ledger  {summary.name}",
        f"  root    {summary.root}",
        f"  signed  {summary.at}, with the keys {', '.join(summary.keys)}",
    ]
    if summary.erased or summary.withheld:
        lines.append(
            f"  without their words: {summary.erased:,} erased, {summary.withheld:,} withheld"
        )
    if summary.stamps:
        lines.append(
            f"  {summary.stamps:,} time stamps, not checked here: use `openssl ts -verify`"
        )
    if summary.kept:
        lines.append(f"  agrees with the kept heads of {summary.kept} events")
    else:
        lines.append(
            "  No head kept elsewhere was compared: whoever held the keys may have rewritten it."
        )
    return "\n".join(lines)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    which = parser.add_subparsers(dest="what", required=True)
    ledger = which.add_parser("ledger", help="a whole exported ledger")
    ledger.add_argument(
        "--head", type=Path, action="append", default=[], help="a head kept elsewhere"
    )
    ledger.add_argument("--json", action="store_true", help="print one JSON document")
    inclusion = which.add_parser("inclusion", help="that an event is in a ledger")
    inclusion.add_argument("--head", dest="heads", type=Path, action="append", required=True)
    inclusion.add_argument("--event", type=Path, help="the event's line of an export")
    consistency = which.add_parser("consistency", help="that a ledger only grew")
    consistency.add_argument("--old", dest="heads", type=Path, action="append", required=True)
    consistency.add_argument("--new", dest="heads", type=Path, action="append", required=True)
    for one, needed in ((ledger, False), (inclusion, True), (consistency, True)):
        one.add_argument("file", type=Path)
        one.add_argument("--key", action="append", default=[], required=needed, help="a public key")
    return parser


def main() -> int:
    given = _arguments().parse_args()
    wanted = {"ledger": 0, "inclusion": 1, "consistency": 2}[given.what]
    try:
        if wanted and len(given.heads) != wanted:
            raise Unusable(f"give {wanted} heads")
        print(_run(given))
    except Broken as error:
        print(f"BROKEN: {error}", file=sys.stderr)
        return 1
    except (Unusable, OSError, ValueError, EOFError, zlib.error) as error:
        print(f"cannot be used: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
