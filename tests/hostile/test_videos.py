"""Videos made to hurt: lies about length and size, cut files, and memory that does not grow."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from films import film, need_av
from lapwing.intake.limits import Limits
from lapwing.intake.media.pool import Pool
from lapwing.intake.media.video import HashedVideo, hash_video
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput, LapwingError
from lapwing.model.refusals import Refusal

need_av()

SECONDS = 10.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "clip.mp4", seconds=2)


def changed(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """The file with bytes written over, counted from the name of a box."""
    at = data.index(box) + offset
    return data[:at] + value + data[at + len(value) :]


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from lapwing.intake.media.video import hash_video
from lapwing.model.errors import InvalidInput
hash_video(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
try:
    frames = len(hash_video(Path(sys.argv[2])).frames)
except InvalidInput as error:
    frames = -1
print(json.dumps({
    "frames": frames,
    "seconds": time.perf_counter() - started,
    "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
}))
"""


def measured(harmless: Path, hostile: Path) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, harmless, hostile],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert told.stderr == ""
    found: dict[str, float] = json.loads(told.stdout)
    return found


def test_an_hour_that_is_only_claimed_costs_nothing(clip: Path, tmp_path: Path) -> None:
    """Movie, track and media headers all say an hour and more; there are two seconds."""
    data = clip.read_bytes()
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        data = changed(data, box, offset, (0x7FFFFFFF).to_bytes(4, "big"))
    liar = tmp_path / "liar.mp4"
    liar.write_bytes(data)
    found = measured(clip, liar)
    assert found["frames"] <= 2
    assert found["grown"] < 60
    assert found["seconds"] < SECONDS


def test_a_frame_of_a_thousand_megapixels_that_is_only_claimed_is_refused(
    clip: Path, tmp_path: Path
) -> None:
    data = clip.read_bytes()
    at = data.index(b"mp4v") + 28
    liar = tmp_path / "liar.mp4"
    liar.write_bytes(data[:at] + (32_000).to_bytes(2, "big") * 2 + data[at + 4 :])
    found = measured(clip, liar)
    assert found["grown"] < 100
    assert found["seconds"] < SECONDS


def test_random_damage_is_refused_or_hashed_and_raises_nothing_else(
    clip: Path, tmp_path: Path
) -> None:
    whole = clip.read_bytes()
    chance = random.Random(1)  # noqa: S311
    path = tmp_path / "damaged.mp4"
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 4, 40))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        started = time.perf_counter()
        with suppress(InvalidInput):
            assert hash_video(path, Limits(video_work_seconds=5)).frames
        assert time.perf_counter() - started < SECONDS


def test_one_bad_video_leaves_the_others_alone(clip: Path, tmp_path: Path) -> None:
    paths = []
    for number in range(6):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(clip.read_bytes()[: 5000 if number % 2 else None])
        paths.append(path)
    with Pool(hash_video, 2) as pool:
        outcomes = [outcome for _, outcome in pool.map(paths)]
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, LapwingError if number % 2 else HashedVideo)


def test_in_a_folder_a_bad_video_is_named_and_the_rest_goes_on(
    clip: Path, tmp_path: Path, builder: ItemBuilder
) -> None:
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes()[:4000])
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())
    first, second = read_items(tmp_path, "media", builder)
    assert isinstance(first, Refusal)
    assert first.source_id == "a.mp4"
    assert not isinstance(second, Refusal)
