"""Cameras of depth frames: focal lengths and poses out of the texts that programs and phones write
beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.formats.frames import Frame, natural
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._camera_texts import (
    Camera,
    camera_in,
    listed,
    phone_pose,
    rigid_of,
    rows_in,
    stem,
    stems,
)

LARGEST = 4 << 20  # bytes of a text that is looked into


class Texts:
    """The texts of the drop by their names; each is read once."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.content = {
            name: path.read_text("utf-8", "replace")
            for name, path in sorted(files.items(), key=lambda item: natural(item[0]))
            if path.stat().st_size <= LARGEST
        }
        self.used: set[str] = set()

    def camera(self, frame: Frame) -> Camera | None:
        """The numbers of this frame's own text, else of the drop's."""
        for name in self._own(frame):
            if found := camera_in(self.content[name]):
                return found
        for name, text in self.content.items():
            if stem(name) not in stems(frame) and (found := camera_in(text)):
                self.used.add(name)
                return found
        return None

    def poses(self, frames: list[Frame]) -> list[Array | None]:
        """T_common_camera (4,4) for each of FRAMES, where a text gives it."""
        own = [self._own_pose(frame) for frame in frames]
        if any(one is not None for one in own):
            return own
        for name, text in self.content.items():
            if (found := listed(text, frames)) is not None:
                self.used.add(name)
                return found
        return own

    def _own(self, frame: Frame) -> list[str]:
        """Texts of the frame's name; what a program corrected afterwards first."""
        found = [name for name in self.content if stem(name) in stems(frame)]
        self.used |= set(found)
        return sorted(found, key=lambda name: "corrected" not in name)

    def _own_pose(self, frame: Frame) -> Array | None:
        for name in self._own(frame):
            if (pose := phone_pose(self.content[name])) is not None:
                return pose
            rows = rows_in(self.content[name])
            if len(rows) == 4 and all(len(row) == 4 for row in rows):
                return rigid_of(np.array(rows))
        return None
