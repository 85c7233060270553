"""Secrets under a passphrase are age files, and open on any machine, busy or not."""

from __future__ import annotations

import pyrage
import pytest

from lapwing.model.errors import NotAllowed
from lapwing.operations.passphrase import seal, unseal

SECRET = b"AGE-SECRET-KEY-1 and no more"


def test_what_age_s_library_sealed_opens() -> None:
    assert unseal(pyrage.passphrase.encrypt(SECRET, "correct horse"), "correct horse") == SECRET


def test_age_s_library_opens_what_was_sealed() -> None:
    """With little work, which no machine finds too much."""
    sealed = seal(SECRET, "correct horse", work=10)
    assert bytes(pyrage.passphrase.decrypt(sealed, "correct horse")) == SECRET


def test_work_that_the_library_refuses_on_a_busy_machine_is_done() -> None:
    sealed = seal(SECRET, "correct horse")
    assert b" 18\n" in sealed
    assert unseal(sealed, "correct horse") == SECRET


def test_a_wrong_passphrase_and_every_flipped_bit_are_refused() -> None:
    sealed = seal(SECRET, "correct horse", work=4)
    with pytest.raises(NotAllowed):
        unseal(sealed, "wrong horse")
    for place in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[place] ^= bit
            with pytest.raises(NotAllowed):
                unseal(bytes(changed), "correct horse")


@pytest.mark.parametrize("work", [23, 60, 99])
def test_more_work_than_anybody_should_do_is_refused_at_once(work: int) -> None:
    sealed = seal(SECRET, "x", work=4).replace(b" 4\n", b" %d\n" % work)
    with pytest.raises(NotAllowed, match="memory"):
        unseal(sealed, "x")


@pytest.mark.parametrize("content", [b"", b"age-encryption.org/v1\n", b"x" * 1000])
def test_what_is_no_age_file_is_refused(content: bytes) -> None:
    with pytest.raises(NotAllowed):
        unseal(content, "x")
