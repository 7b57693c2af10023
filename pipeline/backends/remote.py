"""Views from another host's service: POST /generate with prompt, width, height and seed; the answer
holds image_b64 (library: urllib3)."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.backends.generator_protocol import SQUARE, URL, Generated, Shot
from pipeline.errors import BackendUnavailable

SECONDS, LARGEST, MOST_PIXELS = 600.0, 64 << 20, 1 << 24
# times that a service may say Retry-After, and how many seconds of it are believed
BUSY, LONGEST_WAIT = 40, 15


class RemoteViews:
    """SIZE is width and height in pixels; KEY is sent along where there is one."""

    def __init__(self, url: str, key: str = "", size: tuple[int, int] = SQUARE) -> None:
        self.url, self.key, self.size = url.rstrip("/"), key, size

    def generate(self, shots: Sequence[Shot], steps: int) -> Generated:
        """BackendUnavailable where the service does not answer, or not with a picture."""
        answers = [self._one(shot) for shot in shots]
        label = "placeholder" if any(answer.get("placeholder") for answer, _ in answers) else None
        return Generated(tuple(picture for _, picture in answers), self.url, label)

    def _one(self, shot: Shot) -> tuple[dict[str, Any], Any]:
        import urllib3
        from PIL import Image

        try:
            said = json.loads(self._ask(shot))
            with Image.open(
                io.BytesIO(base64.b64decode(said["image_b64"], validate=True))
            ) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise ValueError("the picture is too large")
                return said, np.asarray(opened.convert("RGB"))
        except (
            urllib3.exceptions.HTTPError,
            ValueError,
            KeyError,
            TypeError,
            OSError,
            binascii.Error,
        ) as error:
            remedy = f"Start the service that {URL} names, or take the setting away."
            raise BackendUnavailable(
                f"{self.url}/generate gave no picture: {_reason(error)}.", remedy=remedy
            ) from None

    def _ask(self, shot: Shot) -> bytes:
        """The body of the answer; a service that is busy is asked again when it says so."""
        import urllib3

        body = json.dumps(
            {
                "prompt": shot.prompt,
                "width": self.size[0],
                "height": self.size[1],
                "seed": shot.seed,
            }
        )
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.key}"} if self.key else {}
        )
        again = urllib3.Retry(
            BUSY,
            connect=0,
            read=0,
            redirect=0,
            other=0,
            allowed_methods=None,
            retry_after_max=LONGEST_WAIT,
        )
        with urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=10, read=SECONDS), retries=again
        ) as pool:
            answer = pool.request(
                "POST", f"{self.url}/generate", body=body, headers=headers, preload_content=False
            )
            data = answer.read(LARGEST + 1)
            answer.release_conn()
        if answer.status != 200:
            raise ValueError(f"it answered {answer.status}")
        if len(data) > LARGEST:
            raise ValueError("the answer is too large")
        return data


def _reason(error: Exception) -> str:
    return str(error) if type(error) is ValueError else type(error).__name__
