"""Every code with every code on a GPU: distances as a product of matrices, tile by tile. Extra.

A code as 256 numbers of +1 and -1 has with another the product 256 - 2 * distance, and each sum is
a whole number far below what half precision holds exactly: so the answer is exact. It has been run
with PyTorch on processors only; nobody has run it on a GPU yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lapwing.bank.rescan import Codes, Finder
from lapwing.model.errors import InvalidInput, Unavailable

BITS = 256
TILE = 65_536
"""Listed codes at a time; a batch of queries against it takes a gigabyte in half precision."""
UNTRIED = "the GPU path has been checked with PyTorch on processors only, not on a GPU"


def by_tiles(codes: Codes, radius: int, *, device: str | None = None, tile: int = TILE) -> Finder:
    """A finder over `codes: uint8[n, 32]` within `radius` bits on this PyTorch device.

    Without `device` the GPU. Raises Unavailable where PyTorch or a GPU is not there, InvalidInput
    for another shape or radius.
    """
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] * 8 != BITS:
        raise InvalidInput(f"codes must be uint8 of shape (n, {BITS // 8})", field="codes")
    if not 0 <= radius <= BITS:
        raise InvalidInput(f"radius must lie between 0 and {BITS}", field="radius")
    torch = _torch()
    if device is None:
        if not torch.cuda.is_available():
            raise Unavailable("there is no GPU that PyTorch can use on this machine")
        device = "cuda"
    # Half precision is fast on a GPU and slow elsewhere; both hold these numbers exactly.
    precision = torch.float16 if device.startswith("cuda") else torch.float32
    listed = torch.from_numpy(np.array(codes)).to(device)
    least = BITS - 2 * radius

    def find(queries: Codes) -> NDArray[np.int64]:
        with torch.inference_mode():
            asked = _signs(torch, torch.from_numpy(np.array(queries)).to(device), precision)
            within = torch.zeros(len(queries), dtype=torch.bool, device=device)
            for start in range(0, len(listed), tile):
                signs = _signs(torch, listed[start : start + tile], precision)
                within |= (asked @ signs.T >= least).any(dim=1)
            found: NDArray[np.int64] = torch.nonzero(within).flatten().cpu().numpy()
        return found

    return find


def _signs(torch: Any, codes: Any, precision: Any) -> Any:
    """`uint8[n, 32]` to ±1 `[n, 256]`."""
    shifts = torch.arange(8, dtype=torch.uint8, device=codes.device)
    bits = (codes.unsqueeze(-1) >> shifts) & 1
    return bits.reshape(len(codes), BITS).to(precision) * 2 - 1


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise Unavailable("--gpu needs PyTorch with CUDA: pip install torch") from error
    return torch
