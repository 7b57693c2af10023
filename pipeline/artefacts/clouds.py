"""The merged cloud, what was recognised in it, and what no scanner saw."""

from __future__ import annotations

from pipeline.artefacts.base import Artefact, File, Matrix, MaybeFile


class PointCloud(Artefact):
    """Merged cloud in the common frame. arrays: points (N,3) float64, normals (N,3) float32,
    optional colors (N,3) uint8, source (N,) int16 = index of the pass in Alignment.passes."""

    arrays: File
    points: int
    whole: MaybeFile = None  # npy, points (N,3) float64: every point of a survey, not thinned
    whole_colors: MaybeFile = None  # npy (N,3) uint8
    whole_points: int | None = None
    spacing: float  # median distance to the nearest neighbour
    size: float
    colored: bool


class Plane(Artefact):
    normal: tuple[float, float, float]
    offset: float  # n·p + offset = 0
    share: float  # of the points; of what was removed, with all that was taken away with it
    role: str  # support, wall, face …
    removed: bool = False


class Cylinder(Artefact):
    point: tuple[float, float, float]
    axis: tuple[float, float, float]
    radius: float
    share: float


class Axis(Artefact):
    """An axis of revolution: through origin along direction (a unit vector; neither end is its
    upper one). score, 0..1: the share of the surface that turning about it leaves in place."""

    origin: tuple[float, float, float]
    direction: tuple[float, float, float]
    score: float


class Mirror(Artefact):
    """A mirror plane: through origin, across normal (a unit vector, of either sign). score, 0..1:
    the share of the surface whose image lies on the surface, within 2 % of the size, and faces the
    same way there."""

    origin: tuple[float, float, float]
    normal: tuple[float, float, float]
    score: float


class Symmetry(Artefact):
    """What brings the object, without what was removed, onto itself; origins in the common frame
    and the drop's unit. Both empty: it was looked for, and there is none."""

    axes: tuple[Axis, ...] = ()
    planes: tuple[Mirror, ...] = ()


class Features(Artefact):
    """What was recognised in the cloud: frame = common frame and drop's unit → Y-up metres of
    model.glb (4×4)."""

    planes: tuple[Plane, ...] = ()
    cylinders: tuple[Cylinder, ...] = ()
    symmetry: Symmetry | None = None  # None: not looked for, or too few points to say
    up: tuple[float, float, float]
    # "option up", "cameras", "support plane", "file", "turntable axis", "level plane",
    # "never-scanned base" or "resting"
    up_from: str
    up_guessed: bool = False  # nothing but the shape says so
    frame: Matrix
    kept: MaybeFile = None  # npz like PointCloud.arrays without what was removed


class Hole(Artefact):
    """What no scanner saw: a hole, or (filled) surface that was drawn over one without data. normal
    is the side it faces; common frame, drop's unit; width is the diagonal of its box."""

    centre: tuple[float, float, float]
    normal: tuple[float, float, float]
    width: float
    area: float
    filled: bool


class Standpoint(Artefact):
    """Where a further pass should be taken from, looking at ``aim``: it would show the share
    ``shows`` of what is missing, in the holes of these numbers."""

    place: tuple[float, float, float]
    aim: tuple[float, float, float]
    shows: float
    holes: tuple[int, ...]


class Gaps(Artefact):
    """The holes of the delivered mesh, widest first, and where to scan again."""

    holes: tuple[Hole, ...] = ()
    rescan: tuple[Standpoint, ...] = ()
