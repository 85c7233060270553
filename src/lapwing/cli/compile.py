"""Compiles the numba loops once, so that the first screening does not wait for the compiler."""

from __future__ import annotations

import io
import time

import numpy as np

from lapwing.bank.index.hamming import HammingIndex
from lapwing.bank.index.tables import compile_loops
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.intake.media.pdq import pdq

_HASH_LIST = (
    b'{"odata.metadata":"http://x/DataModels/1.3.xml#Media","skip":[],'
    b'"value":[{"MD5":"' + b"ab" * 16 + b'","Odd":1}]}'
)


def compile_hot_loops() -> float:
    """Run every hot loop on small input; numba keeps the result on disk. Returns seconds."""
    start = time.perf_counter()
    pdq(np.zeros((96, 128, 3), np.uint8))
    pdq(np.zeros((700, 600, 3), np.uint8))
    codes = np.zeros((2, 32), np.uint8)
    HammingIndex.build(codes, np.arange(2, dtype=np.int64)).search(codes, 31)
    compile_loops()
    list(VicsFile(io.BytesIO(_HASH_LIST)))
    return time.perf_counter() - start
