"""Pictures of a figure that is red on its left and blue on its right, in every format that is taken."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.geometry.readers.picture import read

Array = NDArray[Any]
GREY, RED, BLUE = (210, 210, 210), (200, 30, 30), (30, 30, 200)
SAVED_AS = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "tiff": "TIFF",
    "bmp": "BMP",
    "gif": "GIF",
    "avif": "AVIF",
    "jp2": "JPEG2000",
}
# Nothing here writes HEIC; this is figure(48, 64) in it.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEA"
    "AQAAAAABoQABAAAAAAAAAJEAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmND"
    "AQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAA"
    "AAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAA"
    "Av////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAJltZGF0AAAAjSgBrxOAeXNsliy3y+7hV7XSRf/5G8yMX1c0+d9A"
    "4a2oGD17WfeF5P7P7SgUnARIz7L8/wEahTYgtBEdAK8F2bowso478P7kZSiu0FloJYYqBxgWpuqDkvT8MUCuR4RqYdlCH+qcklHIYpUzg/8k+RBZOWp3bcKp"
    "YDAUgC9yeLqR2k2/j2gckiqYFV7hfw=="
)


def figure(
    height: int = 96, width: int = 128, ground: tuple[int, int, int] = GREY
) -> tuple[Array, Array]:
    """(RGB uint8 (H,W,3), mask (H,W)): a block in the middle half of the picture."""
    mask = np.zeros((height, width), bool)
    mask[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    rgb = np.where(mask[..., None], RED, ground)
    rgb[:, width // 2 :] = np.where(mask[:, width // 2 :, None], BLUE, ground)
    return rgb.astype(np.uint8), mask


def encoded(rgb: Array, kind: str, **how: Any) -> bytes:
    """RGB (H,W,3), RGBA or grey as a file of KIND; HOW goes to Pillow."""
    if kind == "heic":
        return HEIC
    out = io.BytesIO()
    Image.fromarray(rgb).save(
        out, SAVED_AS[kind], **({"quality": 95} if kind in ("jpeg", "webp", "avif") else {}) | how
    )
    return out.getvalue()


def _profile(*primaries: tuple[float, float, float]) -> bytes:
    """An ICC profile of a display with these PRIMARIES (X, Y, Z relative to D50 each) and gamma 2.2."""

    def fixed(*numbers: float) -> bytes:
        return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))

    xyz = [b"XYZ \0\0\0\0" + fixed(*primary) for primary in primaries]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    white = b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249)
    tags = dict(
        zip(
            (b"desc", b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"),
            (name, white, *xyz, *[curve] * 3),
            strict=True,
        )
    )
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(
        ">I4sI4s4s4s12x4s28x",
        at + len(body),
        b"lcms",
        0x02100000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        b"acsp",
    ) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


DISPLAY_P3 = _profile((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE_RGB = _profile((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


def as_read(folder: Path, data: bytes, name: str = "front.png") -> tuple[Any, list[str]]:
    """(RGBA array, warnings)."""
    (folder / name).write_bytes(data)
    said: list[str] = []
    return np.asarray(read(folder / name, name, said.append)), said
