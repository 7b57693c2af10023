"""Pictures that a mesh file names or holds (libraries: Pillow; opengl-basisu for KTX2)."""

from __future__ import annotations

import io
from typing import Any

from pipeline.formats.account import Account
from pipeline.geometry.readers.companions import Companions, text_of

MOST_PIXELS = 1 << 28
CLEAR = 250  # of 255: what is opaque to more than that is opaque


def opened(reference: str | bytes, beside: Companions, account: Account) -> Any:
    """The picture that REFERENCE means, or None; declared in the account under the name that a
    person knows."""
    name = text_of(reference) if isinstance(reference, bytes) else reference
    short = name.replace("\\", "/").strip().rpartition("/")[2]
    account.declare("texture", short)
    found = beside.find(reference)
    image = None if found is None else decoded(beside.files[found].read_bytes(), short, account)
    say_transparent(image, account)
    return image


def say_transparent(image: Any, account: Account) -> None:
    """Declare transparency where IMAGE, in a format that has no other word for it, shows some."""
    if image is not None and image.has_transparency_data:
        low, _ = image.convert("RGBA").getchannel("A").getextrema()
        if low < CLEAR:
            account.declare("transparency")


def decoded(data: bytes, name: str, account: Account) -> Any:
    """The picture in DATA, or None with the reason in the account, where it was declared as texture
    NAME."""
    from PIL import Image

    if data.startswith(b"\xabKTX"):
        return _of_ktx(data, name, account)
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            account.explain(
                "texture",
                name,
                f"texture {{name}} has {image.width} × {image.height} pixels, more than are read",
            )
            return None
        image.load()
    except Exception:  # Pillow raises whatever a broken picture provokes
        account.explain("texture", name, "texture {name} is no picture that can be read")
        return None
    account.arrive("texture", name)
    return _eight_bits(image)


def _of_ktx(data: bytes, name: str, account: Account) -> Any:
    """The largest level of a KTX2 picture as glTF knows them: Basis Universal, ETC1S or UASTC."""
    from PIL import Image

    try:
        import opengl_basisu

        held = opengl_basisu.open(data)
        if held.width * held.height > MOST_PIXELS:
            raise ValueError("too large")
        pixels: Any = held.transcode("rgba8").data
    except (ImportError, ValueError):  # the library's own kinds are ValueErrors
        account.explain(
            "texture",
            name,
            "texture {name} is a KTX picture that is not read; the model has no texture there",
        )
        return None
    account.arrive("texture", name)
    return Image.fromarray(pixels if (pixels[..., 3] < CLEAR).any() else pixels[..., :3])


def _eight_bits(image: Any) -> Any:
    """Pictures of 16 bits or of floats as bytes: Pillow clips them when it converts."""
    if image.mode.startswith(("I;16", "I", "F")):
        import numpy as np
        from PIL import Image

        values = np.asarray(image, np.float64)
        top = 1.0 if image.mode == "F" else 65535.0
        return Image.fromarray((np.clip(values / top, 0, 1) * 255 + 0.5).astype(np.uint8))
    return image
