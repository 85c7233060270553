"""Where the elements of a JSON array begin and end, in bytes that come a piece at a time.

Only brackets, strings and commas are looked at; whether an element is good JSON is for its decoder
to say. Must never hold state of its own: what is needed to go on is handed out and back in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lapwing.intake.media.compile import compiled

MORE, CLOSED, FULL, BROKEN = 0, 1, 2, 3
"""How a scan ended: at the end of the bytes, of the array, of `starts`, or at a byte that no array
can hold there."""

KEY_SLOTS = 256
"""Places for names that are not known; must be a power of two."""
MOST_NAMES = 64
"""Names that are looked at in one element."""

_START, _PRIME = 14695981039346656037, 1099511628211
"""Of FNV-1a with 64 bits (the specification by Fowler, Noll and Vo)."""


@compiled
def elements(
    buffer: Any, at: Any, after: Any, starts: Any, ends: Any, known: Any, keys: Any
) -> Any:
    """The elements of an array from byte `at` of `buffer: uint8[n]`.

    `after`: whether an element has just ended, so that a comma has to come. Spans go into
    `starts` and `ends: int64[m]`. `known: uint64[k]`, rising: hashes of names that are expected in
    an element; others are counted in `keys: uint64[KEY_SLOTS, 4]` (hash, count, first byte,
    length). Returns (spans, next byte, `after`, how it ended); the next byte is the beginning of
    an element that is not complete.
    """
    size = buffer.shape[0]
    found = 0
    names = np.empty((MOST_NAMES, 2), np.int64)
    while at < size:
        byte = buffer[at]
        if byte == 32 or byte == 10 or byte == 13 or byte == 9:
            at += 1
            continue
        if byte == 93:  # ]
            return found, at + 1, after, 1
        if byte == 44:  # ,
            if not after:
                return found, at, after, 3
            after = False
            at += 1
            continue
        if after or byte == 125 or byte == 58:
            return found, at, after, 3
        if found == starts.shape[0]:
            return found, at, after, 2
        end, enough, named = _end_of(buffer, at, names)
        if not enough:
            return found, at, after, 0
        for number in range(named):
            _count(buffer, names[number, 0], names[number, 1], known, keys)
        starts[found] = at
        ends[found] = end
        found += 1
        after = True
        at = end
    return found, at, after, 0


@compiled
def _end_of(buffer: Any, at: Any, names: Any) -> Any:
    """(byte after the value that begins at `at`, whether it ends here, names seen in it)."""
    size = buffer.shape[0]
    depth = 0
    quoted = False
    named = 0
    name_at = at
    position = at
    while position < size:
        byte = buffer[position]
        if quoted:
            if byte == 92:  # backslash
                position += 2
                continue
            if byte == 34:
                quoted = False
                if depth == 0:
                    return position + 1, True, named
        elif byte == 34:
            quoted = True
            name_at = position + 1
        elif byte == 123 or byte == 91:
            depth += 1
        elif byte == 125 or byte == 93:
            if depth == 0:
                return position, True, named  # a bare number or word before the array's end
            depth -= 1
            if depth == 0:
                return position + 1, True, named
        elif depth == 1 and byte == 58:  # the colon after a name of the element itself
            if named < names.shape[0]:
                names[named, 0] = name_at
                names[named, 1] = position
                named += 1
        elif depth == 0 and (byte == 44 or byte == 32 or byte == 10 or byte == 13 or byte == 9):
            return position, True, named
        position += 1
    return position, False, named


@compiled
def _count(buffer: Any, start: Any, stop: Any, known: Any, keys: Any) -> None:
    """Count a name, unless it is known."""
    state = np.uint64(_START)
    position = start
    while position < stop and buffer[position] != 34:
        state = np.uint64((state ^ np.uint64(buffer[position])) * np.uint64(_PRIME))
        position += 1
    low, high = 0, known.shape[0]
    while low < high:
        middle = (low + high) // 2
        if known[middle] < state:
            low = middle + 1
        else:
            high = middle
    if low < known.shape[0] and known[low] == state:
        return
    slot = np.int64(state & np.uint64(KEY_SLOTS - 1))
    for _ in range(KEY_SLOTS):
        if keys[slot, 1] == np.uint64(0):
            keys[slot, 0] = state
            keys[slot, 2] = np.uint64(start)
            keys[slot, 3] = np.uint64(position - start)
        if keys[slot, 0] == state:
            keys[slot, 1] += np.uint64(1)
            return
        slot = (slot + 1) % KEY_SLOTS


@compiled
def skipped(buffer: Any, at: Any, depth: Any, quoted: Any, escaped: Any) -> Any:
    """Pass over the rest of a value that does not fit into memory.

    Returns (next byte, depth, quoted, escaped, whether the value has ended).
    """
    size = buffer.shape[0]
    while at < size:
        byte = buffer[at]
        if escaped:
            escaped = False
        elif quoted:
            if byte == 92:
                escaped = True
            elif byte == 34:
                quoted = False
                if depth == 0:
                    return at + 1, depth, quoted, escaped, True
        elif byte == 34:
            quoted = True
        elif byte == 123 or byte == 91:
            depth += 1
        elif byte == 125 or byte == 93:
            if depth == 0:
                return at, depth, quoted, escaped, True
            depth -= 1
            if depth == 0:
                return at + 1, depth, quoted, escaped, True
        elif depth == 0 and (byte == 44 or byte == 32 or byte == 10 or byte == 13 or byte == 9):
            return at, depth, quoted, escaped, True
        at += 1
    return at, depth, quoted, escaped, False


def name_hash(name: str) -> int:
    """The 64-bit FNV-1a of a name, as names in a file are counted by it."""
    state = _START
    for byte in name.encode():
        state = ((state ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return state
