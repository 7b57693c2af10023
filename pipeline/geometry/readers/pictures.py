"""Pictures that a mesh file names or holds (library: Pillow)."""

from __future__ import annotations

import io
from typing import Any

from pipeline.geometry.readers.companions import Companions, text_of
from pipeline.geometry.readers.declared import Ledger

MOST_PIXELS = 1 << 28


def opened(reference: str | bytes, beside: Companions, ledger: Ledger) -> Any:
    """The picture that REFERENCE means, or None; declared in the ledger under the name that a
    person knows."""
    name = text_of(reference) if isinstance(reference, bytes) else reference
    short = name.replace("\\", "/").strip().rpartition("/")[2]
    ledger.declare("texture", short)
    found = beside.find(reference)
    return None if found is None else decoded(beside.files[found].read_bytes(), short, ledger)


def decoded(data: bytes, name: str, ledger: Ledger) -> Any:
    """The picture in DATA, or None with the reason in the ledger, where it was declared as texture
    NAME."""
    from PIL import Image

    if data.startswith(b"\xabKTX"):
        ledger.explain(
            "texture",
            name,
            "texture {name} is a KTX picture, which is not read; the model has no texture there",
        )
        return None
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            ledger.explain(
                "texture",
                name,
                f"texture {{name}} has {image.width} × {image.height} pixels, more than are read",
            )
            return None
        image.load()
    except Exception:  # Pillow raises whatever a broken picture provokes
        ledger.explain("texture", name, "texture {name} is no picture that can be read")
        return None
    ledger.arrive("texture", name)
    return _eight_bits(image)


def _eight_bits(image: Any) -> Any:
    """Pictures of 16 bits or of floats as bytes: Pillow clips them when it converts."""
    if image.mode.startswith(("I;16", "I", "F")):
        import numpy as np
        from PIL import Image

        values = np.asarray(image, np.float64)
        top = 1.0 if image.mode == "F" else 65535.0
        return Image.fromarray((np.clip(values / top, 0, 1) * 255 + 0.5).astype(np.uint8))
    return image
