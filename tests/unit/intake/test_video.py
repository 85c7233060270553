"""Videos: frames sampled as vPDQ does, every container told from its content, limits and breaks."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from films import FRAMES_A_SECOND, film, moving, need_av
from lapwing.intake.limits import DEFAULT_LIMITS, Limits
from lapwing.intake.media.apart import hash_file, hash_video_apart
from lapwing.intake.media.hashing import HashedPicture, hash_bytes
from lapwing.intake.media.pdq import pdq
from lapwing.intake.media.video import HashedVideo, hash_video
from lapwing.intake.readers import read_items
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput, LimitExceeded, Unavailable
from lapwing.model.items import Media
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission

av = need_av()


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "clip.mp4")


def test_a_frame_a_second_is_hashed_with_its_number_and_time(clip: Path) -> None:
    hashed = hash_video(clip)
    assert [(frame.number, frame.at) for frame in hashed.frames] == [
        (FRAMES_A_SECOND * second, float(second)) for second in range(6)
    ]
    assert (hashed.mime, hashed.width, hashed.height) == ("video/mp4", 320, 240)
    assert hashed.seconds == pytest.approx(6 - 1 / FRAMES_A_SECOND)
    assert hashed.notes == ()
    data = clip.read_bytes()
    assert hashed.hashes.sha256 == hashlib.sha256(data).hexdigest()
    assert hashed.hashes.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert hashed.hashes.pdq is None
    assert hashed.size == len(data)


def test_a_frames_hash_is_that_of_its_pixels(clip: Path) -> None:
    hashed = hash_video(clip)
    with av.open(str(clip)) as opened:
        for number, frame in enumerate(opened.decode(video=0)):
            if number % FRAMES_A_SECOND == 0:
                code, quality = pdq(np.ascontiguousarray(frame.to_ndarray(format="rgb24")))
                told = hashed.frames[number // FRAMES_A_SECOND]
                assert (told.pdq, told.quality) == (code.hex(), quality)


@pytest.mark.parametrize(("every", "step"), [(0.5, 12), (2.0, 50), (0.04, 1), (0.1, 2)])
def test_the_step_is_the_rounded_number_of_frames(clip: Path, every: float, step: int) -> None:
    numbers = [frame.number for frame in hash_video(clip, every=every).frames]
    assert numbers == list(range(0, 6 * FRAMES_A_SECOND, step))


@pytest.mark.parametrize(
    ("name", "codec", "form", "mime"),
    [
        ("a.mp4", "mpeg4", None, "video/mp4"),
        ("b.mov", "mpeg4", None, "video/quicktime"),
        ("c.mkv", "libx264", None, "video/x-matroska"),
        ("d.webm", "libvpx", None, "video/x-matroska"),
        ("e.avi", "mpeg4", None, "video/x-msvideo"),
        ("f.ts", "mpeg2video", "mpegts", "video/mp2t"),
        ("g.mpg", "mpeg2video", "mpeg", "video/mpeg"),
        ("h.flv", "flv", None, "video/x-flv"),
        ("i.asf", "mpeg4", "asf", "video/x-ms-asf"),
        ("named-wrongly.jpg", "mpeg4", "mp4", "video/mp4"),
    ],
)
def test_each_container_gives_nearly_the_same_hashes(
    clip: Path, tmp_path: Path, name: str, codec: str, form: str | None, mime: str
) -> None:
    copy = hash_video(film(tmp_path / name, codec=codec, form=form))
    original = hash_video(clip)
    assert copy.mime == mime
    assert len(copy.frames) == 6
    for ours, theirs in zip(copy.frames, original.frames, strict=True):
        assert distance(ours.pdq, theirs.pdq) <= 31
        assert ours.at == pytest.approx(theirs.at, abs=0.05)


def test_a_playlist_or_list_of_files_is_no_video(tmp_path: Path, clip: Path) -> None:
    """FFmpeg would open what they name; here they are not even tried."""
    for text in (
        "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        f"ffconcat version 1.0\nfile {clip}\n",
        "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\n",
    ):
        path = tmp_path / "a.mp4"
        path.write_text(text)
        with pytest.raises(InvalidInput, match="cannot be decoded as a"):
            hash_video(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.8])
def test_a_cut_video_is_refused_or_told_to_be_broken(
    tmp_path: Path, clip: Path, share: float
) -> None:
    cut = tmp_path / "cut.mkv"
    whole = film(tmp_path / "whole.mkv").read_bytes()
    cut.write_bytes(whole[: int(len(whole) * share)])
    if share == 0:
        with pytest.raises(InvalidInput, match="video"):
            hash_video(cut)
        return
    hashed = hash_video(cut)
    assert 0 < len(hashed.frames) < 6
    assert hashed.seconds < 6 * share + 1


def test_limits_count_what_was_decoded_and_say_what_was_left(clip: Path) -> None:
    for limits, told in (
        (Limits(video_seconds=3), "is longer than 3 seconds"),
        (Limits(video_frames=4), "has more than 4 frames to look at"),
        (Limits(video_decoded=90), "takes longer to decode"),
    ):
        hashed = hash_video(clip, limits)
        assert len(hashed.frames) == 4
        (note,) = hashed.notes
        assert told in note
        assert "looked at until 3 s" in note
    with pytest.raises(LimitExceeded, match="320 x 240"):
        hash_video(clip, Limits(video_pixels=320 * 239))
    with pytest.raises(LimitExceeded, match="bytes"):
        hash_video(clip, Limits(video_bytes=1000))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp")
            frame.sample_rate, frame.pts = 44100, 1024 * number
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    with pytest.raises(InvalidInput, match="no video"):
        hash_video(path)


def test_a_file_is_hashed_as_what_it_is(clip: Path, tmp_path: Path) -> None:
    picture = tmp_path / "a.mp4"
    moving(("china",), 0.1)[0].save(picture, "PNG")
    assert isinstance(hash_file(picture), HashedPicture)
    assert isinstance(hash_file(clip), HashedVideo)
    assert hash_video_apart(clip) == hash_video(clip)


def test_without_pyav_it_says_how_to_get_it(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lapwing.intake.media.video.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"pip install 'lapwing\[video\]'"):
        hash_file(clip)


def test_a_folder_and_a_file_give_items_with_frames(
    tmp_path: Path, clip: Path, builder: ItemBuilder
) -> None:
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())
    moving(("coffee",), 0.1)[0].save(tmp_path / "a.png")
    for source in (tmp_path, tmp_path / "b.mp4"):
        entry = list(read_items(source, "media", builder))[-1]
        assert isinstance(entry, Submission)
        assert isinstance(entry.item, Media)
        assert entry.item.frames == hash_video(clip).frames
        assert (entry.mime, entry.content) == ("video/mp4", None)
        assert entry.item.source_id == "b.mp4"


def test_what_was_not_looked_at_stands_beside_the_item(
    tmp_path: Path, clip: Path, builder: ItemBuilder
) -> None:
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())
    limits = Limits(video_seconds=2)
    item, refusal = read_items(tmp_path / "b.mp4", "media", builder, limits)
    assert isinstance(item, Submission)
    assert isinstance(refusal, Refusal)
    assert "longer than 2 seconds" in refusal.reason


def test_a_video_in_a_stream_is_refused_and_told_where_it_belongs(
    clip: Path, builder: ItemBuilder
) -> None:
    with clip.open("rb", buffering=0) as raw:
        stream = open(raw.fileno(), "rb", closefd=False)  # noqa: SIM115
        (entry,) = read_items(stream, "media", builder, DEFAULT_LIMITS)
    assert isinstance(entry, Refusal)
    assert "lapwing watch" in entry.reason


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_every_frame_of_an_animation_is_hashed(form: str) -> None:
    shown = moving(("china", "coffee", "flower"), 12 / FRAMES_A_SECOND)
    written = io.BytesIO()
    options = {} if form == "TIFF" else {"duration": 500}
    shown[0].save(written, form, save_all=True, append_images=shown[1:], **options)
    hashed = hash_bytes(written.getvalue())
    assert len(hashed.frames) == 12
    assert [frame.number for frame in hashed.frames] == list(range(12))
    if form != "TIFF":
        assert [frame.at for frame in hashed.frames] == [n / 2 for n in range(12)]
    for frame, picture in zip(hashed.frames, shown, strict=True):
        assert distance(frame.pdq, pdq(np.asarray(picture))[0].hex()) <= 20
    assert hashed.notes == ()
    fewer = hash_bytes(written.getvalue(), Limits(frames=5))
    assert len(fewer.frames) == 5
    assert fewer.notes == ("has more than 5 frames: 5 frames were hashed",)
    little = hash_bytes(written.getvalue(), Limits(animation_pixels=3 * 320 * 240))
    assert len(little.frames) == 3


def test_a_single_picture_has_no_frames() -> None:
    written = io.BytesIO()
    Image.fromarray(np.zeros((70, 70, 3), np.uint8)).save(written, "GIF")
    assert hash_bytes(written.getvalue()).frames == ()
