"""Passes of a scan, and where each stands once they are aligned."""

from __future__ import annotations

from pipeline.artefacts.base import Artefact, File, Matrix, MaybeFile


class Dropped(Artefact):
    """The used files of the drop, relative to ``ws.input`` (the dropped folder itself)."""

    names: tuple[str, ...]


class Pass(Artefact):
    """One scan pass. arrays: points (N,3) float64 in its own frame minus origin; optional normals
    (N,3), colors (N,3) uint8, grid (N,2) int32 = row, column in the scanner's range grid."""

    name: str  # as the person knows it; for a scan inside a larger file "file.e57#0"
    arrays: File
    # npz like arrays with every point that was read, where it is a survey's
    whole: MaybeFile = None
    survey: bool = False  # by its format measured with a laser scanner, z up
    points: int
    dropped: int = 0  # rows left out as not finite
    scale: float = 1.0  # factor that was applied to bring this pass to the drop's unit
    scanner: tuple[float, float, float] | None = None  # the scanner's place in the pass's frame
    pose: Matrix | None = None  # T_common_pass, where the file gives one
    grey: bool = False  # its colours are the intensity of the echo
    located: bool = False  # its file names the coordinate system that it stands in
    # of a depth camera's frame: its picture, and fx, fy, cx, cy in pixels of that
    picture: MaybeFile = None
    camera: tuple[float, float, float, float] | None = None
    duplicate_of: str | None = None
    warning: str | None = None


class Reference(Artefact):
    """The mesh that the scan is to be compared with. arrays: vertices (V,3) float64 minus origin,
    faces (F,3) int32, in the file's own frame and unit."""

    name: str
    arrays: File
    unit: str | None = None  # None: the file names none
    origin: tuple[int, int, int] = (0, 0, 0)


class Scans(Artefact):
    """All passes of a drop. unit = unit of the coordinates; unit_guessed says whether it was a
    guess, unit_from where it comes from, in words, unit_other what it may be instead. up_from: of
    passes that stand in their places, who says that z is up; "": nobody does."""

    passes: tuple[Pass, ...]
    unit: str
    unit_guessed: bool
    unit_from: str = ""
    unit_other: str | None = None
    up_from: str = "file"
    origin: tuple[int, int, int] = (0, 0, 0)
    oriented: bool = False  # normals are there and point outward
    reference: Reference | None = None
    dense: bool = False  # every place was measured several times over: a lone point is an error


class Link(Artefact):
    """A verified link between the passes a and b."""

    a: str
    b: str
    score: float
    overlap: float
    used: bool
    method: str


class Placed(Artefact):
    name: str
    points: int
    placed: bool
    pose: Matrix | None  # T_common_pass: rigid, in the drop's unit
    score: float | None
    overlap: float | None
    warning: str | None = None
    ways: int = 1  # in how many places it would fit as well as in this one, this one included


class Alignment(Artefact):
    """Where each pass stands in the common frame, and why we believe it."""

    passes: tuple[Placed, ...]
    links: tuple[Link, ...]
    components: tuple[tuple[str, ...], ...]
    size: float  # the object's size (diagonal between the 0.5 and 99.5 percentiles), drop's unit
    gap: float | None = None  # median distance between overlapping passes, drop's unit
