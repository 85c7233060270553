"""Videos: every container that is taken, small and drawn for this, and the forms around them."""

from __future__ import annotations

import io
from functools import cache

from promises import LIMITS

from lapwing.intake.media.formats import container_of
from lapwing.intake.media.playlist import SEGMENTS, read_playlist
from lapwing.intake.media.video import sample
from lapwing.model.errors import InvalidInput, LapwingError

LONGEST = 24_576
MEGABYTES = 3072
EVERY = 0.1
MOST = 40


@cache
def _av() -> object:
    try:
        import av
    except ImportError:
        return None
    return av


def _film(form: str, codec: str) -> bytes:
    """Eight frames of 64 by 48 in which a ball moves; nothing where PyAV cannot write it."""
    av = _av()
    if av is None or codec not in av.codecs_available:  # type: ignore[attr-defined]
        return b""
    from PIL import Image, ImageDraw

    written = io.BytesIO()
    with av.open(written, "w", format=form) as container:  # type: ignore[attr-defined]
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for step in range(8):
            image = Image.new("RGB", (64, 48), "white")
            ImageDraw.Draw(image).ellipse((step * 5, 8, step * 5 + 20, 30), fill=(200, 90, 40))
            for packet in stream.encode(av.VideoFrame.from_image(image)):  # type: ignore[attr-defined]
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return written.getvalue()


_FILMS = (
    ("mp4", "mpeg4"),
    ("mp4", "libx264"),
    ("matroska", "mpeg4"),
    ("webm", "libvpx"),
    ("avi", "mpeg4"),
    ("flv", "flv"),
    ("mpegts", "mpeg2video"),
    ("mpeg", "mpeg1video"),
    ("asf", "mpeg4"),
)
_PLAYLIST = (
    b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n"
    b'#EXT-X-MAP:URI="start.mp4"\n#EXTINF:2.0,\na.ts\n#EXTINF:1.5,\n/b.ts\n'
    b'#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF:2,\nc.ts\n#EXT-X-ENDLIST\n'
)
_MASTER = b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1"\nlow.m3u8\n'
SEEDS = [
    *(film for form, codec in _FILMS if (film := _film(form, codec))),
    _PLAYLIST,
    _MASTER,
]


def one(data: bytes) -> None:
    if container_of(data) is None:
        _playlist(data)
        return
    if _av() is None:
        return
    taken, before = 0, -1.0
    try:
        for sampled in sample(io.BytesIO(data), LIMITS, EVERY):
            assert sampled.rgb.ndim == 3, "a frame that is no picture"
            assert sampled.at >= before, "the clock went back"
            before = sampled.at
            taken += 1
            if taken == MOST:
                return
    except LapwingError as error:
        assert error.message.strip(), "a refusal without a reason"
        assert len(error.message) < 5000, "a refusal that repeats its input"


def _playlist(data: bytes) -> None:
    try:
        playlist = read_playlist(data, "https://example.com/live/a.m3u8")
    except InvalidInput as error:
        assert error.message.strip(), "a refusal without a reason"
        return
    assert len(playlist.segments) <= SEGMENTS
    assert 0.1 <= playlist.target <= 600
    for segment in playlist.segments:
        assert 0 <= segment.seconds <= 600
        assert segment.number >= 0
