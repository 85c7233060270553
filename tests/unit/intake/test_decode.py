from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lapwing.demo.copies import encode
from lapwing.intake.limits import Limits
from lapwing.intake.media.decode import decode
from lapwing.model.errors import InvalidInput, LimitExceeded

Picture = NDArray[np.uint8]


@pytest.fixture
def scene() -> Picture:
    """48 wide, 32 high; each corner has its own colour, so that every turn shows."""
    rgb = np.zeros((32, 48, 3), np.uint8)
    rgb[:16, :24] = (250, 10, 10)
    rgb[:16, 24:] = (10, 250, 10)
    rgb[16:, :24] = (10, 10, 250)
    rgb[16:, 24:] = (240, 240, 240)
    return rgb


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        ("PNG", "image/png"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("GIF", "image/gif"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
    ],
)
def test_each_format_is_told_from_its_content(scene: Picture, form: str, mime: str) -> None:
    decoded = decode(encode(Image.fromarray(scene), form))
    assert (decoded.mime, decoded.width, decoded.height) == (mime, 48, 32)
    assert np.abs(decoded.rgb.astype(int) - scene).mean() < 12
    assert decoded.notes == ()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(scene: Picture, form: str, orientation: int) -> None:
    turns = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.transpose(1, 0, 2),
        6: np.rot90(scene, 1),
        7: np.rot90(scene, 2).transpose(1, 0, 2),
        8: np.rot90(scene, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turns[orientation]))
    decoded = decode(encode(stored, form, exif=exif, quality=95))
    assert (decoded.width, decoded.height) == (48, 32)
    assert np.abs(decoded.rgb.astype(int) - scene).mean() < 12


def test_unreadable_exif_counts_as_upright(scene: Picture) -> None:
    data = encode(Image.fromarray(scene), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode(data).height == 32


def test_cmyk_jpeg_and_tiff_keep_their_colours(scene: Picture) -> None:
    cmyk = Image.fromarray(scene).convert("CMYK")
    inverted_by_adobe = encode(cmyk, "JPEG", quality=95)
    assert b"Adobe" in inverted_by_adobe
    for data in (inverted_by_adobe, encode(cmyk, "TIFF")):
        assert np.abs(decode(data).rgb.astype(int) - scene).mean() < 12


def test_a_palette_stands_for_its_colours(scene: Picture) -> None:
    data = encode(Image.fromarray(scene).quantize(8), "PNG")
    assert np.array_equal(decode(data).rgb, scene)


def test_one_bit_and_grey_become_grey_rgb(scene: Picture) -> None:
    half = scene[:, :, 1] > 100
    decoded = decode(encode(Image.fromarray(half), "PNG"))
    assert np.array_equal(decoded.rgb, np.repeat(half[:, :, None] * np.uint8(255), 3, axis=2))
    grey = decode(encode(Image.fromarray(scene[:, :, 1]), "PNG"))
    assert np.array_equal(grey.rgb[:, :, 2], scene[:, :, 1])


def test_sixteen_bits_keep_their_high_byte(scene: Picture) -> None:
    wide = scene[:, :, 0].astype(np.uint16) * 256 + 77
    for form in ("PNG", "TIFF"):
        decoded = decode(encode(Image.fromarray(wide), form))
        assert np.array_equal(decoded.rgb[:, :, 0], scene[:, :, 0])


def test_thirty_two_bit_and_real_tiffs_are_brought_to_eight_bits(scene: Picture) -> None:
    red = scene[:, :, 0]
    for values in (red.astype(np.int32) * 257, red.astype(np.float32), red / np.float32(255)):
        decoded = decode(encode(Image.fromarray(values), "TIFF"))
        assert np.abs(decoded.rgb[:, :, 0].astype(int) - red).max() <= 1


def test_sixteen_bit_colour_png_keeps_its_high_bytes(scene: Picture) -> None:
    wide = (scene.astype(np.uint16) * 256 + 77).astype(">u2").tobytes()
    rows = b"".join(b"\0" + wide[y * 288 : (y + 1) * 288] for y in range(32))
    data = png(48, 32, 16, 2, zlib.compress(rows))
    assert np.array_equal(decode(data).rgb, scene)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_dropped_and_what_lies_under_it_is_hashed(
    scene: Picture, mode: str
) -> None:
    picture = Image.fromarray(scene).convert("L").convert("RGB")
    picture.putalpha(0)
    expected = np.asarray(Image.fromarray(scene).convert("L"))
    decoded = decode(encode(picture.convert(mode), "PNG"))
    assert np.array_equal(decoded.rgb[:, :, 0], expected)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_only_the_first_is_looked_at_and_it_says_so(
    scene: Picture, form: str
) -> None:
    first, second = Image.fromarray(scene), Image.fromarray(255 - scene)
    options: dict[str, Any] = {"lossless": True} if form == "WEBP" else {}
    data = encode(first, form, save_all=True, append_images=[second], **options)
    decoded = decode(data)
    assert np.abs(decoded.rgb.astype(int) - scene).mean() < 12
    assert decoded.notes == ("has more than one frame: only the first was hashed",)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.9])
def test_a_truncated_picture_is_refused(form: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), form)
    with pytest.raises(InvalidInput, match="broken or truncated"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\x00\x00\x00\x18ftypheic\0\0\0\0mif1heic", "a HEIF picture"),
        (b"\x00\x00\x00\x18ftypmp42\0\0\0\0mp42isom", "an MP4 or QuickTime video"),
        (b"PK\x03\x04....", "a ZIP archive or office document"),
        (b"just some text", "of no known form"),
        (b"\xff\xd8\xff", "broken or truncated JPEG"),
        (b"BM", "broken or truncated BMP"),
        (b"GIF89a", "broken or truncated GIF"),
    ],
)
def test_what_is_no_picture_is_refused_by_what_it_is(data: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        decode(data)


def test_random_damage_is_refused_or_decoded_and_raises_nothing_else(scene: Picture) -> None:
    chance = np.random.default_rng(8)
    outcomes = set()
    for form in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"):
        whole = np.frombuffer(encode(Image.fromarray(scene), form), np.uint8)
        for _ in range(60):
            broken = whole.copy()
            places = chance.integers(12, len(broken), 4)
            broken[places] = chance.integers(0, 256, 4)
            try:
                outcomes.add(decode(broken.tobytes()).rgb.ndim)
            except InvalidInput as error:
                outcomes.add(type(error))
    assert outcomes >= {3, InvalidInput}


def png(width: int, height: int, depth: int, colour: int, compressed: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_a_bomb_is_refused_from_its_header() -> None:
    for side in (9_000, 14_000, 60_000):
        with pytest.raises(LimitExceeded, match=f"{side} x {side} pixels"):
            decode(png(side, side, 8, 2, b"x"))


def test_a_webp_bomb_is_refused_from_its_header() -> None:
    canvas = (16_382).to_bytes(3, "little") * 2
    data = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + b"\x02\0\0\0" + canvas
    with pytest.raises(LimitExceeded):
        decode(data)


def test_a_picture_of_many_bytes_is_refused(scene: Picture) -> None:
    data = encode(Image.fromarray(scene), "BMP")
    with pytest.raises(LimitExceeded, match="more than 1000"):
        decode(data, Limits(file_bytes=1000))


def test_a_large_jpeg_is_decoded_smaller_and_says_so() -> None:
    data = encode(Image.new("RGB", (400, 300), (200, 100, 50)), "JPEG")
    decoded = decode(data, Limits(pixels=10_000))
    assert decoded.rgb.shape == (75, 100, 3)
    assert (decoded.width, decoded.height, decoded.scaled) == (400, 300, 4)
    assert decoded.notes == ("too large to decode in full: hashed at 1/4 of its size",)


def test_a_large_jpeg_beyond_both_limits_or_progressive_is_refused() -> None:
    picture = Image.new("RGB", (400, 300))
    with pytest.raises(LimitExceeded, match="400 x 300"):
        decode(encode(picture, "JPEG"), Limits(pixels=10_000, scaled_pixels=50_000))
    with pytest.raises(LimitExceeded, match="400 x 300"):
        decode(encode(picture, "JPEG", progressive=True), Limits(pixels=10_000))


def test_a_progressive_jpeg_of_many_scans_is_refused(scene: Picture) -> None:
    data = encode(Image.fromarray(scene), "JPEG", progressive=True)
    assert decode(data).mime == "image/jpeg"
    with pytest.raises(LimitExceeded, match="more than 3 scans"):
        decode(data, Limits(jpeg_scans=3))


def test_a_picture_inside_the_limits_is_never_scaled(pictures: dict[str, Picture]) -> None:
    data = encode(Image.fromarray(pictures["china"]), "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as whole:
        assert np.array_equal(decode(data).rgb, np.asarray(whole))


def test_warnings_do_not_reach_the_caller(scene: Picture) -> None:
    picture = Image.fromarray(scene).quantize(8)
    data = encode(picture, "PNG", transparency=bytes(range(8)))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        decode(data)
        decode(encode(Image.fromarray(scene), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"))
    assert seen == []


def test_nothing_is_written_to_standard_error(tmp_path: Path, scene: Picture) -> None:
    """libtiff and libjpeg are C and could write there themselves."""
    for number, form in enumerate(("TIFF", "JPEG", "PNG", "WEBP")):
        options: dict[str, Any] = {"compression": "jpeg"} if form == "TIFF" else {}
        data = bytearray(encode(Image.fromarray(scene), form, **options))
        data[len(data) // 2 :: 7] = bytes(len(data[len(data) // 2 :: 7]))
        (tmp_path / str(number)).write_bytes(data)
    program = (
        "import pathlib, sys\n"
        "from lapwing.intake.media.decode import decode\n"
        "from lapwing.model.errors import InvalidInput\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try: print(decode(path.read_bytes()).mime)\n"
        "    except InvalidInput as error: print(error.message)\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    assert len(run.stdout.splitlines()) == 4
