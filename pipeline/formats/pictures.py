"""The picture formats that are taken, wherever a picture comes from. Its first bytes tell which one
it is; names and media types do not."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# kind → (in words, suffixes)
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "jpeg": ("a JPEG image", (".jpg", ".jpeg", ".jfif", ".jpe", ".mpo")),
    "png": ("a PNG image", (".png", ".apng")),
    "webp": ("a WebP image", (".webp",)),
    "tiff": ("a TIFF image", (".tif", ".tiff")),
    "bmp": ("a BMP image", (".bmp", ".dib")),
    "gif": ("a GIF image", (".gif",)),
    "avif": ("an AVIF image", (".avif", ".avifs")),
    "jp2": ("a JPEG 2000 image", (".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf")),
    "heic": ("a HEIC image", (".heic", ".heif", ".hif", ".heics", ".heifs")),
}
BY_SUFFIX = {suffix: kind for kind, (_, suffixes) in KINDS.items() for suffix in suffixes}
TAKEN = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000 and HEIC"
FILMS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mts", ".m2ts", ".wmv")
# Pictures by their names that are not taken. Raw files begin like TIFF and hold a small preview,
# which must not pass for the picture.
RAW = (
    *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".orf", ".ori"),
    *(".rw2", ".rwl", ".raf", ".pef", ".srw", ".3fr", ".fff", ".iiq", ".cap", ".mos", ".mef"),
    *(".erf", ".kdc", ".dcr", ".k25", ".mrw", ".x3f", ".gpr"),
)
NOT_TAKEN = {
    **dict.fromkeys(RAW, "a camera's raw file"),
    ".svg": "a drawing (SVG)",
    ".psd": "a Photoshop file",
    ".psb": "a Photoshop file",
    ".xcf": "a GIMP file",
    ".exr": "an OpenEXR image",
    ".hdr": "a Radiance image",
    ".tga": "a Targa image",
    ".jxl": "a JPEG XL image",
    ".ico": "an icon",
    **dict.fromkeys((".pgm", ".ppm"), "a PGM or PPM image"),  # but for colour and depth
    **dict.fromkeys(FILMS, "a film"),
}

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
)
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"mif2")
AVIF = (b"avif", b"avis")

_DEPTH = re.compile(r"(?<![a-z])depths?(?![a-z])", re.I)


def is_named(name: str) -> bool:
    """Whether the name is that of a picture that is taken."""
    return PurePosixPath(name).suffix.lower() in BY_SUFFIX


def tells_depth(name: str) -> bool:
    """Whether the name says that the picture's values are distances."""
    return _DEPTH.search(PurePosixPath(name).name) is not None


def has_alpha(head: bytes) -> bool:
    """Whether a PNG or WebP picture that begins with HEAD has an alpha channel."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return head[25:26] in (b"\4", b"\6") or b"tRNS" in head.partition(b"IDAT")[0]
    if head[8:16] == b"WEBPVP8X":
        return bool(head[20] & 0x10) if len(head) > 20 else False
    return head[8:16] == b"WEBPVP8L" and len(head) > 24 and bool(head[24] & 0x10)


def kind_of(head: bytes) -> str | None:
    """A key of KINDS by the first bytes of a file, or None: it is no picture that is taken."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and len(head) > 26:
        return "bmp"
    return _container(head) if head[4:8] == b"ftyp" else None


def _container(head: bytes) -> str | None:
    """AVIF and HEIC are told by their brands: the first one may be the family's, mif1, and a later
    one says which it is."""
    brands = [
        head[8:12],
        *(
            head[at : at + 4]
            for at in range(16, min(int.from_bytes(head[:4], "big"), 256, len(head) - 3), 4)
        ),
    ]
    if any(brand in AVIF for brand in brands):
        return "avif"
    return "heic" if any(brand in _HEIC for brand in brands) else None
