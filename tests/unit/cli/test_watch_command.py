"""`lapwing watch`: a real HLS stream that grows while it is watched, files and pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from command_line import Lapwing
from films import FRAMES_A_SECOND, film, moving, need_av
from growing_stream import Stream, served, transport
from lapwing.intake.media.video import hash_video
from lapwing.model.videos import listed_frames

need_av()

SECONDS = 0.6
FRAMES = int(SECONDS * FRAMES_A_SECOND)


def segments(names: tuple[str, ...], count: int) -> list[bytes]:
    """So many segments of slow film over these photographs."""
    pictures = moving(names, count * SECONDS)
    return [transport(pictures[n * FRAMES : (n + 1) * FRAMES]) for n in range(count)]


@pytest.fixture(scope="module")
def harmless() -> list[bytes]:
    return segments(("flower",), 6)


@pytest.fixture(scope="module")
def wanted() -> list[bytes]:
    return segments(("china",), 5)


@pytest.fixture(scope="module")
def listed(wanted: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film of `wanted`, as a list file."""
    folder = tmp_path_factory.mktemp("listed")
    clip = folder / "wanted.ts"
    clip.write_bytes(b"".join(wanted))
    rows = folder / "listed.ndjson"
    values = listed_frames(hash_video(clip, every=0.2).frames)
    assert len(values) > 4
    lines = (
        json.dumps({"kind": "video_frame", "value": value, "quality": quality})
        for value, quality in values
    )
    rows.write_text("\n".join(lines))
    return rows


def found(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "finding"]


def test_a_finding_comes_within_two_seconds_of_the_frame(
    lapwing_alone: Lapwing, harmless: list[bytes], wanted: list[bytes], listed: Path
) -> None:
    """Measured from the moment at which the segment could first be fetched."""
    lead = [*harmless, *harmless, *harmless]
    stream = Stream([*lead, *wanted, *harmless[:3]], SECONDS)
    with served(stream) as address:
        answer = lapwing_alone(
            "watch", f"{address}/live.m3u8", "--local", "--against", listed, "--json"
        )
    assert answer.code == 0
    first, *_ = found(answer.lines)
    offset = time.time() - time.monotonic()
    raised = datetime.fromisoformat(first["raised_at"]).timestamp() - offset
    late = raised - stream.published[len(lead)]
    assert 0 < late < 2.0
    kinds = [one["kind"] for line in found(answer.lines) for one in line["findings"]]
    assert "known_media" in kinds
    summary = answer.lines[-1]
    assert summary["event"] == "summary"
    assert summary["findings"] == len(found(answer.lines))
    assert summary["frames"] > len(stream.segments)


def test_broken_and_missing_segments_are_told_and_the_stream_goes_on(
    lapwing_alone: Lapwing, harmless: list[bytes], wanted: list[bytes], listed: Path
) -> None:
    noise = bytes(range(256)) * 20
    stream = Stream(
        [harmless[0], noise, harmless[1][: len(harmless[1]) // 90], harmless[2], *wanted],
        SECONDS,
        missing=frozenset({3}),
    )
    with served(stream) as address:
        answer = lapwing_alone(
            "watch", f"{address}/master.m3u8", "--local", "--against", listed, "--json"
        )
    assert answer.code == 0
    troubles = [line["reason"] for line in answer.lines if line["event"] == "trouble"]
    assert any("segment 1:" in reason for reason in troubles)
    assert any("segment 3:" in reason and "404" in reason for reason in troubles)
    assert found(answer.lines)
    assert "/large.m3u8" not in stream.asked


def test_only_named_hosts_are_fetched_from(
    lapwing_alone: Lapwing, harmless: list[bytes], listed: Path
) -> None:
    stream = Stream(harmless[:2], SECONDS)
    stream.extra = "#EXTINF:1,\nhttp://169.254.169.254/latest/meta-data\n#EXT-X-ENDLIST"
    with served(stream) as address:
        url = f"{address}/live.m3u8"
        refused = lapwing_alone("watch", url, "--against", listed, "--json")
        answer = lapwing_alone("watch", url, "--local", "--against", listed, "--json")
    assert refused.code == 2
    assert "ports 80 and 443" in refused.json["error"]["message"]
    troubles = [line["reason"] for line in answer.lines if line["event"] == "trouble"]
    assert any("169.254.169.254 is not on" in reason for reason in troubles)


def test_what_is_no_playlist_is_wrong_use(
    lapwing_alone: Lapwing, harmless: list[bytes], listed: Path
) -> None:
    stream = Stream(harmless[:1], 0.0)
    with served(stream) as address:
        url = f"{address}/segment-0.ts"
        answer = lapwing_alone("watch", url, "--local", "--against", listed, "--json")
    assert answer.code == 2
    assert "playlist" in answer.json["error"]["message"]


@pytest.fixture
def clip(wanted: list[bytes], harmless: list[bytes], tmp_path: Path) -> Path:
    path = tmp_path / "clip.ts"
    path.write_bytes(b"".join([*harmless[:2], *wanted]))
    return path


def test_a_file_is_watched_to_its_end(lapwing_alone: Lapwing, clip: Path, listed: Path) -> None:
    answer = lapwing_alone("watch", clip, "--against", listed, "--json")
    assert answer.code == 0
    assert found(answer.lines)
    words = lapwing_alone("watch", clip, "--against", listed)
    assert "listed.ndjson" in words.out
    assert "frames in" in words.out


def started(*arguments: object, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lapwing", *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_a_pipe_is_watched_while_it_is_written(
    wanted: list[bytes], harmless: list[bytes], listed: Path
) -> None:
    """The finding comes while the pipe is still open; then the pipe ends and so does the watch."""
    process = started("watch", "-", "--against", listed, "--json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    feed = process.stdin.fileno()
    try:
        for segment in (*harmless, *wanted, *harmless[:4]):
            os.write(feed, segment)
        told = events(process)
        assert next(told)["event"] == "finding"
        process.stdin.close()
        assert [line["event"] for line in told][-1] == "summary"
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_a_summary(
    wanted: list[bytes], listed: Path, way: signal.Signals
) -> None:
    stream = Stream(wanted * 60, SECONDS, ended=False)
    with served(stream) as address:
        process = started("watch", f"{address}/live.m3u8", "--local", "--against", listed, "--json")
        try:
            told = events(process)
            assert any(line["event"] == "finding" for line in told)
            os.killpg(process.pid, way)
            last = [*told][-1]
            assert last["event"] == "summary"
            assert last["findings"] >= 1
            assert process.wait(30) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()
            process.wait()


def test_with_a_house_what_is_found_opens_a_case(
    lapwing: Lapwing, wanted: list[bytes], tmp_path: Path, listed: Path
) -> None:
    clip = tmp_path / "stream.ts"
    clip.write_bytes(b"".join(wanted))
    words = ["--source", "test", "--basis", "test", "--category", "test"]
    assert lapwing("bank", "create", "Films", "--kind", "block", "--verified", *words).code == 0
    assert lapwing("bank", "import", listed, "--list", "Films").code == 0
    quiet = lapwing("watch", clip, "--json", "--no-cases")
    assert found(quiet.lines)
    assert lapwing("cases", "--json").json == []
    answer = lapwing("watch", clip, "--json")
    held = [line for line in found(answer.lines) if "hold" in line["actions"]]
    assert held
    assert held[0]["case"]
    assert len(lapwing("cases", "--json").json) == 1
    assert "case" in lapwing("watch", clip).out


def test_another_film_raises_nothing(lapwing_alone: Lapwing, tmp_path: Path, listed: Path) -> None:
    other = film(tmp_path / "other.mp4", ("chelsea", "coffee"), 4)
    answer = lapwing_alone("watch", other, "--against", listed, "--json")
    assert [line["event"] for line in answer.lines] == ["summary"]
    assert answer.code == 0
