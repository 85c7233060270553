"""The pool: order, refusals, and workers that die, hang or take too much memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lapwing.intake.media.pool import Pool
from lapwing.model.errors import InvalidInput, LapwingError, LimitExceeded


def work(path: Path) -> str:
    """Does what the file's name says; runs in the worker."""
    match path.stem.split("-")[-1]:
        case "die":
            os.kill(os.getpid(), 11)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "bug":
            raise ZeroDivisionError
        case "eat":
            return str(len(bytearray(1 << 34)))
        case "refuse":
            raise InvalidInput("not wanted", field="file")
        case "slow":
            time.sleep(0.3)
    return path.name


def told(names: list[str], workers: int = 2, seconds: float = 60.0) -> list[object]:
    with Pool(work, workers, seconds=seconds) as pool:
        found = list(pool.map(Path(name) for name in names))
    assert [path.name for path, _ in found] == names
    return [outcome for _, outcome in found]


def test_results_come_in_the_order_of_the_files() -> None:
    names = ["1-slow", *(f"{n}-good" for n in range(2, 40))]
    assert told(names, workers=3) == names


@pytest.mark.parametrize("name", ["die", "exit", "bug"])
def test_a_file_that_kills_its_worker_is_refused_and_the_rest_goes_on(name: str) -> None:
    names = ["1-good", f"2-{name}", "3-good", f"4-{name}", "5-good", "6-good"]
    found = told(names)
    for number in (1, 3):
        assert isinstance(found[number], InvalidInput)
        assert "broke the process that read it" in str(found[number])
    assert [found[n] for n in (0, 2, 4, 5)] == [names[n] for n in (0, 2, 4, 5)]


def test_a_file_that_takes_too_long_is_refused_and_the_rest_goes_on() -> None:
    began = time.monotonic()
    found = told(["1-good", "2-hang", "3-good", "4-good"], seconds=1.0)
    assert time.monotonic() - began < 60
    assert isinstance(found[1], LimitExceeded)
    assert "1 seconds" in str(found[1])
    assert [found[n] for n in (0, 2, 3)] == ["1-good", "3-good", "4-good"]


def test_a_file_that_wants_too_much_memory_is_refused() -> None:
    eaten, good = told(["1-eat", "2-good"], workers=1)
    assert isinstance(eaten, LimitExceeded)
    assert "memory" in str(eaten)
    assert good == "2-good"


def test_a_refusal_keeps_its_reason_and_field() -> None:
    (refused,) = told(["1-refuse"])
    assert isinstance(refused, LapwingError)
    assert (refused.message, getattr(refused, "field", None)) == ("not wanted", "file")


def test_files_are_asked_for_only_as_workers_come_to_them() -> None:
    asked = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal asked
        while True:
            asked += 1
            yield Path(f"{asked}-good")

    with Pool(work, 2) as pool:
        for number, (path, _) in enumerate(pool.map(endless()), 1):
            assert asked <= number + 4
            if number == 30:
                assert path.name == "30-good"
                break


def test_nothing_is_left_running_when_the_pool_closes() -> None:
    with Pool(work, 2) as pool:
        next(pool.map([Path("1-good"), Path("2-slow"), Path("3-slow")]))
        running = [worker.pid for worker in pool._workers if worker is not None]
    assert len(running) == 2
    for process in running:
        assert process is not None
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
