"""Views from another host's service: POST /generate with prompt, width, height and seed; the answer holds image_b64 (library: urllib3)."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.backends.generators import SIZE, Generated, Shot
from pipeline.errors import BackendUnavailable

SECONDS, LARGEST = 600.0, 64 << 20


class RemoteViews:
    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def generate(self, shots: Sequence[Shot], steps: int) -> Generated:
        """BackendUnavailable where the service does not answer, or not with a picture."""
        answers = [self._one(shot) for shot in shots]
        label = "placeholder" if any(answer.get("placeholder") for answer, _ in answers) else None
        return Generated(tuple(picture for _, picture in answers), self.url, label)

    def _one(self, shot: Shot) -> tuple[dict[str, Any], Any]:
        import urllib3
        from PIL import Image

        body = json.dumps({"prompt": shot.prompt, "width": SIZE, "height": SIZE, "seed": shot.seed})
        remedy = "Start the service that FLUX_BACKEND_URL names, or take the setting away."
        try:
            with urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=SECONDS), retries=False) as pool:
                answer = pool.request("POST", f"{self.url}/generate", body=body, headers={"Content-Type": "application/json"})
            said = json.loads(answer.data[:LARGEST])
            with Image.open(io.BytesIO(base64.b64decode(said["image_b64"], validate=True))) as opened:
                return said, np.asarray(opened.convert("RGB"))
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError, OSError, binascii.Error) as error:
            raise BackendUnavailable(f"{self.url}/generate gave no picture: {type(error).__name__}.", remedy=remedy) from None
