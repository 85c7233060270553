"""What a file is, told by its first bytes and never by its name."""

from __future__ import annotations

from msgspec import Struct


class Format(Struct, frozen=True):
    """A picture format that Lapwing decodes; `extensions` are in lower case, with the dot."""

    mime: str
    name: str
    extensions: tuple[str, ...]


JPEG = Format("image/jpeg", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"))
PNG = Format("image/png", "PNG", (".png", ".apng"))
GIF = Format("image/gif", "GIF", (".gif",))
WEBP = Format("image/webp", "WebP", (".webp",))
AVIF = Format("image/avif", "AVIF", (".avif", ".avifs"))
TIFF = Format("image/tiff", "TIFF", (".tif", ".tiff"))
BMP = Format("image/bmp", "BMP", (".bmp", ".dib"))

UNKNOWN = "of no known form"

FORMATS = (JPEG, PNG, GIF, WEBP, AVIF, TIFF, BMP)

_STARTS: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II\x2a\x00", TIFF),
    (b"MM\x00\x2a", TIFF),
    (b"II\x2b\x00", TIFF),
    (b"MM\x00\x2b", TIFF),
    (b"BM", BMP),
)

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"8BPS", "a Photoshop document"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
)

_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


class Container(Struct, frozen=True):
    """A kind of video file: `name` is what FFmpeg calls it."""

    mime: str
    name: str


CONTAINERS = {
    "mov": "MP4 or QuickTime",
    "matroska": "Matroska or WebM",
    "avi": "AVI",
    "flv": "Flash",
    "ogg": "Ogg",
    "asf": "Windows Media",
    "mpeg": "MPEG",
    "mpegts": "MPEG transport",
}
"""What FFmpeg calls a container and what people do."""

_VIDEO_STARTS: tuple[tuple[bytes, Container], ...] = (
    (b"\x1a\x45\xdf\xa3", Container("video/x-matroska", "matroska")),
    (b"FLV\x01", Container("video/x-flv", "flv")),
    (b"OggS", Container("video/ogg", "ogg")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container("video/x-ms-asf", "asf")),
    (b"\x00\x00\x01\xba", Container("video/mpeg", "mpeg")),
)
_MP4_PARTS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
_TS_PACKET = 188


def container_of(data: bytes) -> Container | None:
    """The container of a video that Lapwing decodes, or None. Looks at 400 bytes."""
    for start, found in _VIDEO_STARTS:
        if data.startswith(start):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return Container("video/x-msvideo", "avi")
    if data[4:8] == b"ftyp":
        still = (_HEIF_BRANDS | {b"avif", b"avis"}) & _brands(data)
        if still:
            return None
        quicktime = data[8:12] == b"qt  "
        return Container("video/quicktime" if quicktime else "video/mp4", "mov")
    if data[4:8] in _MP4_PARTS:
        return Container("video/quicktime", "mov")
    if len(data) > 2 * _TS_PACKET and all(data[at] == 0x47 for at in (0, 188, 376)):
        return Container("video/mp2t", "mpegts")
    return None


def format_of(data: bytes) -> Format | None:
    """The format of a picture that Lapwing decodes, or None. Looks at 64 bytes."""
    for start, found in _STARTS:
        if data.startswith(start):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp" and {b"avif", b"avis"} & _brands(data):
        return AVIF
    return None


def describe(data: bytes) -> str:
    """What a file that is not a decodable picture seems to be, for the refusal's text."""
    if not data:
        return "an empty file"
    for start, name in _OTHERS:
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "an AVI video"
    if data[4:8] == b"ftyp":
        return "a HEIF picture" if _HEIF_BRANDS & _brands(data) else "an MP4 or QuickTime video"
    return UNKNOWN


def _brands(data: bytes) -> set[bytes]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12 §4.3)."""
    size = min(int.from_bytes(data[:4], "big"), 64)
    return {data[8:12], *(data[i : i + 4] for i in range(16, size, 4))}
