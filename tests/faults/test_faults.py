"""Whatever befalls a running house, what it acknowledged is there, once, and its books agree.

LAPWING_TEST_SIZE=full strikes 100 times, otherwise 10. The seed is in the failure;
LAPWING_TEST_SEED repeats it.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from uuid import uuid4

import pytest
from fault_books import check_promises, check_settled
from harness import Harness
from sqlalchemy import text

FULL = os.environ.get("LAPWING_TEST_SIZE") == "full"


@pytest.mark.slow
def test_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("LAPWING_TEST_SEED") or random.SystemRandom().getrandbits(32))
    with Harness(seed, tmp_path) as harness:
        harness.run(100 if FULL else 10, check_every=5 if FULL else 2)
    print(harness.told())
    assert harness.books is not None
    assert harness.books.verdicts > 0
    assert harness.books.kept > 0
    assert harness.journal.jobs


@pytest.mark.slow
def test_the_harness_notices_what_is_lost_or_doubled(tmp_path: Path) -> None:
    with Harness(7, tmp_path) as harness:
        harness.run(0)
        house, journal = harness.house.opened(), harness.journal

        def look() -> None:
            check_promises(house, harness.organisation, journal, None)
            check_settled(house, harness.organisation, journal)

        try:
            look()
            for promised, lie in (
                (journal.decisions, {"never-sent-1": str(uuid4())}),
                (journal.verdicts, {str(uuid4()): "attempt nobody made"}),
            ):
                before = dict(promised)
                promised.update(lie)
                with pytest.raises(AssertionError, match="lost"):
                    look()
                promised.clear()
                promised.update(before)
            journal.jobs.add(1 << 40)
            with pytest.raises(AssertionError, match="not done"):
                look()
            journal.jobs.remove(1 << 40)
            stray = harness.house.home / "blobs" / "vault" / "stray.age"
            stray.parent.mkdir(exist_ok=True)
            stray.write_bytes(b"sealed")
            with pytest.raises(AssertionError, match=r"stray\.age"):
                look()
            stray.unlink()
            look()
            with house.database.owner() as connection:
                connection.execute(
                    text(
                        "insert into verdicts select organisation_id, gen_random_uuid(), "
                        "case_id, member_id, outcome, reason, at from verdicts limit 1"
                    )
                )
            with pytest.raises(AssertionError, match="verdict"):
                look()
        finally:
            house.close()
