"""An HLS stream that grows in real time, served over HTTP on loopback: segments appear in the
playlist when the last of their frames would have been taken by a camera."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from films import FRAMES_A_SECOND, need_av


def transport(pictures: list[Image.Image], size: tuple[int, int] = (320, 240)) -> bytes:
    """The pictures as one MPEG transport stream, which begins with a whole frame."""
    av = need_av()
    written = io.BytesIO()
    with av.open(written, "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=FRAMES_A_SECOND)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        for picture in pictures:
            for packet in stream.encode(av.VideoFrame.from_image(picture.resize(size))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return written.getvalue()


@dataclass
class Stream:
    """`window` is how many segments the playlist shows; older ones are gone."""

    segments: list[bytes]
    seconds: float
    window: int = 4
    ended: bool = True
    """Whether the playlist says so at the end."""
    missing: frozenset[int] = frozenset()
    """Segments that are answered with 404."""
    published: dict[int, float] = field(default_factory=dict)
    """When each segment could first be fetched, by the monotonic clock."""
    asked: list[str] = field(default_factory=list)
    extra: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Publish one segment after another, as time passes."""
        began = time.monotonic()
        for number in range(len(self.segments)):
            wait = began + (number + 1) * self.seconds - time.monotonic()
            if self.done.wait(max(0.0, wait)):
                return
            self.published[number] = time.monotonic()

    def playlist(self) -> str:
        there = sorted(self.published)
        shown = there[-self.window :]
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:3",
            f"#EXT-X-TARGETDURATION:{max(1, round(self.seconds))}",
            f"#EXT-X-MEDIA-SEQUENCE:{shown[0] if shown else 0}",
        ]
        for number in shown:
            lines += [f"#EXTINF:{self.seconds:.3f},", f"segment-{number}.ts"]
        if self.ended and len(there) == len(self.segments):
            lines.append("#EXT-X-ENDLIST")
        return "\n".join([*lines, self.extra, ""])

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        if path == "/live.m3u8":
            return self.playlist().encode()
        if path == "/master.m3u8":
            return (
                b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000\nlarge.m3u8\n"
                b"#EXT-X-STREAM-INF:BANDWIDTH=700000\nlive.m3u8\n"
            )
        number = int(path.removeprefix("/segment-").removesuffix(".ts"))
        return None if number in self.missing else self.segments[number]


@contextmanager
def served(stream: Stream) -> Iterator[str]:
    """The address of the server; it publishes from now on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = stream.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=stream.run)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stream.done.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
