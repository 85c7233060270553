"""Pictures made to hurt: bombs, cut files, and files that are two things at once."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.pictures import read_folder
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput, LimitExceeded
from lapwing.model.refusals import Refusal
from web_world import Client, Side

SECONDS = 10.0


def drawn(form: str = "JPEG", **options: object) -> bytes:
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    for step in range(14):
        box = (step * 23, step * 15, step * 23 + 70, step * 15 + 50)
        draw.ellipse(box, fill=(step * 17, 90, 255 - step * 13))
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = b"".join((chunk(b"IHDR", header), *more, chunk(b"IDAT", rows), chunk(b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + body


def zeros(length: int) -> bytes:
    """So many zero bytes, compressed a thousandfold."""
    packer = zlib.compressobj(9)
    piece = bytes(1 << 20)
    parts = [packer.compress(piece) for _ in range(length >> 20)]
    return b"".join((*parts, packer.flush()))


BOMBS: dict[str, Callable[[], bytes]] = {
    "a small file of 40,000 by 40,000 pixels": lambda: png(40_000, 40_000, 1, 0, zeros(200 << 20)),
    "sizes that no memory holds": lambda: png(2**31 - 1, 2**31 - 1, 8, 2, b""),
    "more rows than its size says": lambda: png(64, 64, 8, 2, zeros(300 << 20)),
    "text of 300 MB": lambda: png(
        64, 64, 8, 2, zlib.compress(bytes(64 * 193)), chunk(b"zTXt", b"a\0\0" + zeros(300 << 20))
    ),
    "a colour profile of 300 MB": lambda: png(
        64, 64, 8, 2, zlib.compress(bytes(64 * 193)), chunk(b"iCCP", b"a\0\0" + zeros(300 << 20))
    ),
    "a GIF of 60,000 by 60,000": lambda: b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
    + b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x08\x01\x00\x00;",
    "a BMP of 60,000 by 60,000": lambda: b"BM" + struct.pack("<IHHI", 54, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "a TIFF with a strip of 4 GB": lambda: tiff(60_000, 2**32 - 1),
    "a TIFF of 10,000 pages in a circle": lambda: tiff(64, 64 * 64, turns=True),
    "a JPEG of 65,500 by 65,500": lambda: drawn().replace(
        struct.pack(">HH", 240, 320), struct.pack(">HH", 65_500, 65_500), 1
    ),
}  # fmt: skip


def tiff(side: int, strip: int, *, turns: bool = False) -> bytes:
    """One grey picture in one strip; `turns` makes its directory follow itself."""
    tags = ((256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8),
            (278, 4, side), (279, 4, strip))  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    place = 8 + 64 * 64
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", place if turns else 0)
    return b"II*\0" + struct.pack("<I", place) + bytes(64 * 64) + directory


MEASURE = """
import json, resource, sys, time
from lapwing.intake.media.hashing import hash_bytes
from lapwing.model.errors import InvalidInput
hash_bytes(open(sys.argv[1], "rb").read())
data = open(sys.argv[2], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
try:
    said = hash_bytes(data).mime
except InvalidInput as error:
    said = f"{error.code}: {error.message}"
seconds = time.perf_counter() - started
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps({"said": said, "grown": grown, "seconds": seconds}))
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_neither_memory_nor_time(tmp_path: Path, name: str) -> None:
    """In a process of its own, whose largest memory is that of this one picture."""
    harmless, bomb = tmp_path / "harmless", tmp_path / "bomb"
    harmless.write_bytes(drawn())
    bomb.write_bytes(BOMBS[name]())
    assert bomb.stat().st_size < 2 << 20
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, harmless, bomb],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(told.stdout)
    assert found["grown"] < 100, found
    assert found["seconds"] < SECONDS, found
    assert told.stderr == ""


def test_a_picture_cut_anywhere_is_refused_or_hashed_and_nothing_else(
    builder: ItemBuilder,
) -> None:
    for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        whole = drawn(form)
        for share in range(0, 100, 7):
            started = time.perf_counter()
            with pytest.raises(InvalidInput) as refused:
                hash_bytes(whole[: len(whole) * share // 100])
            assert refused.value.message
            assert time.perf_counter() - started < SECONDS


@pytest.fixture(scope="module")
def archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("run.txt", "echo hello")
    return written.getvalue()


def test_what_hangs_behind_a_picture_changes_its_bytes_and_not_what_is_seen(archive: bytes) -> None:
    """A file that is also an archive, a script or a page is still the picture that people see."""
    page = b"<html><script>document.title = 'x'</script></html>"
    for form in ("JPEG", "PNG", "GIF", "BMP"):
        whole = drawn(form)
        plain = hash_bytes(whole)
        for behind in (archive, page, gzip.compress(page), b"\0" * 100_000, whole):
            both = hash_bytes(whole + behind)
            assert both.mime == plain.mime
            assert both.hashes.pdq == plain.hashes.pdq
            assert both.hashes.sha256 != plain.hashes.sha256


def test_a_page_in_a_comment_is_not_seen() -> None:
    page = b"<html><body onload=alert(1)>*/=1;alert(1)//"
    plain = hash_bytes(drawn())
    commented = drawn(comment=page)
    assert page in commented
    found = hash_bytes(commented, name="picture.html")
    assert (found.mime, found.hashes.pdq) == ("image/jpeg", plain.hashes.pdq)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (b"PK\x03\x04", "ZIP"),
        (b"%PDF-1.4\n", "PDF"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", "XML"),
        (b"<html>", "no known form"),
        (b"MZ", "no known form"),
        (b"\0", "no known form"),
    ],
)
def test_what_begins_as_something_else_is_refused_by_what_it_is(before: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        hash_bytes(before + drawn())


def test_in_a_folder_each_bad_file_is_named_and_the_good_ones_go_on(
    tmp_path: Path, builder: ItemBuilder, archive: bytes
) -> None:
    files = {
        "1-good.jpg": drawn(),
        "2-bomb.png": png(2**31 - 1, 2**31 - 1, 8, 2, b""),
        "3-cut.jpg": drawn()[:900],
        "4-empty.png": b"",
        "5-archive.jpg": archive,
        "6-both.jpg": drawn() + archive,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "7-\udcff.jpg").write_bytes(drawn("PNG"))
    entries = list(read_folder(tmp_path, builder, DEFAULT_LIMITS))
    refused = {Path(e.file or "").name: e for e in entries if isinstance(e, Refusal)}
    assert set(refused) == {"2-bomb.png", "3-cut.jpg", "4-empty.png", "5-archive.jpg"}
    assert refused["2-bomb.png"].code == LimitExceeded.code
    assert len(entries) == len(files) + 1


@pytest.fixture
def sent(client: Client, ours: Side) -> Callable[[bytes], tuple[int, str]]:
    def send(content: bytes) -> tuple[int, str]:
        record = {"kind": "media", "id": f"hostile-{zlib.crc32(content)}", "account": "someone"}
        files = {"item": (None, json.dumps(record)), "file": ("a.png", content, "image/png")}
        answer = client.post("/v1/screen", headers=ours.bearer, files=files)
        return answer.status_code, answer.text

    return send


def test_the_door_refuses_them_with_a_reason(
    sent: Callable[[bytes], tuple[int, str]], archive: bytes
) -> None:
    assert sent(drawn() + archive)[0] == 200
    for content in (archive, b"", drawn()[:900], BOMBS["sizes that no memory holds"]()):
        status, said = sent(content)
        assert status in (400, 413)
        assert "picture" in said
