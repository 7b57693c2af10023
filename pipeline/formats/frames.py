"""Frames of depth cameras by their names: which colour picture, depth map and map of confidence
belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

PICTURES = (".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
_SIDE = re.compile(r"(?<![a-z])(colou?rs?|rgb|images?|depths?|conf(?:idence)?)(?![a-z])", re.I)
_NEAR = 0.04  # seconds between the two cameras of one frame, whose names are their times
_CORRECTED = "corrected_"  # Polycam keeps its first guess beside what it settled on
# what goes with frames: lists and files of poses, and the camera's numbers
CAMERA = re.compile(
    r"(poses?|traj(ectory)?|groundtruth|associat\w*|transforms|cameras?|intrinsics?|calib\w*"
    r"|rgb|depth)(?![a-z])",
    re.I,
)
_PLACES = re.compile(r"(poses?|traj(ectory)?|groundtruth|transforms)(?![a-z])", re.I)
_DISTANCES = re.compile(r"(?<![a-z])distances?(?![a-z])", re.I)
TEXTS = (".txt", ".json", ".log", ".csv", ".md")


class Frame(NamedTuple):
    """Names of files; key is what they have in common, for people; time the number in their names,
    where it is one."""

    key: str
    colour: str
    depth: str
    confidence: str | None = None


def pairs(names: Iterable[str]) -> list[Frame]:
    """Frames in the order of their names (numbers as numbers): names that differ in one word only,
    color (rgb, image) against depth; else times of two cameras that ran side by side."""
    sides: dict[str, dict[str, str]] = {"colour": {}, "depth": {}, "confidence": {}}
    for name in names:
        if side := _side(name):
            sides[side].setdefault(_key(name), name)
    both = sides["colour"].keys() & sides["depth"].keys()
    matched = {key: key for key in both} or _by_time(sides["colour"], sides["depth"])
    found = [
        Frame(
            _short(sides["depth"][depth]),
            sides["colour"][colour],
            sides["depth"][depth],
            sides["confidence"].get(depth),
        )
        for colour, depth in matched.items()
    ]
    return sorted(found, key=lambda frame: natural(frame.depth))


def natural(name: str) -> list[tuple[float, str]]:
    """Sort key under which 2.png comes before 10.png."""
    return [
        (float(part), "") if part.isdecimal() and part.isascii() else (-1.0, part)
        for part in re.split(r"([0-9]{1,18})", name.casefold())
    ]


def is_camera_text(name: str) -> bool:
    """Whether NAME says that this file holds poses or a camera's numbers, that go with frames."""
    return name.lower().endswith(TEXTS) and CAMERA.search(name) is not None


def is_distances(name: str) -> bool:
    """Whether NAME says that this file tells how far points are apart that photographs show."""
    return name.lower().endswith((".txt", ".csv")) and _DISTANCES.search(name) is not None


def tells_places(name: str) -> bool:
    """Whether NAME says that this file tells where pictures were taken."""
    return name.lower().endswith(TEXTS) and _PLACES.search(name) is not None


def goes_with_photos(name: str) -> bool:
    """Whether NAME is that of a list that tells how large photographed things are."""
    return is_camera_text(name) or is_distances(name)


def _side(name: str) -> str | None:
    bare = name.lower().removesuffix(".gz")
    words = _SIDE.findall(name) if bare.endswith(PICTURES) else []
    if not words or _CORRECTED in bare:
        return None
    word = words[-1].lower()
    return (
        "depth"
        if word.startswith("depth")
        else "confidence"
        if word.startswith("conf")
        else "colour"
    )


def _key(name: str) -> str:
    bare = re.sub(r"\.gz$", "", name, flags=re.I)
    return _SIDE.sub("*", bare).rpartition(".")[0].lower()


def _short(name: str) -> str:
    return PurePosixPath(re.sub(r"\.gz$", "", name, flags=re.I)).stem


def time_of(name: str) -> float | None:
    """The time that a file is named by, 1305031102.175304; None where it is no such number."""
    try:
        return float(_short(name))
    except ValueError:
        return None


def _by_time(colours: dict[str, str], depths: dict[str, str]) -> dict[str, str]:
    """Colour key → depth key of the nearest time, each once."""
    timed = sorted((time, key) for key, name in colours.items() if (time := time_of(name)))
    left, matched = dict(depths), {}
    for time, key in timed:
        near = [
            (abs(own - time), other)
            for other, name in left.items()
            if (own := time_of(name)) is not None and abs(own - time) <= _NEAR
        ]
        if near:
            matched[key] = min(near)[1]
            del left[matched[key]]
    return matched
