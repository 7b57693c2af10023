"""Artefacts: what a stage returns. Small frozen records that name the workspace files which hold
the arrays.

A field annotated ``File`` is a name relative to the workspace root. Arrays are .npz files without
pickles. Common frame = the frame of the aligned object in the drop's own unit, after ``origin``
(whole numbers, the drop's unit) was subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

File = Annotated[str, "file"]
# not File | None: files() looks at the outermost annotation
MaybeFile = Annotated[str | None, "file"]
Matrix = tuple[tuple[float, ...], ...]  # 4×4, row-major, column vectors: p' = M p


class Artefact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def files(self) -> tuple[str, ...]:
        """Names of all workspace files this artefact refers to, nested ones included."""
        return tuple(_files(self))


def _files(value: Any) -> list[str]:
    found: list[str] = []
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            item = getattr(value, name)
            if "file" in field.metadata and isinstance(item, str):
                found.append(item)
            else:
                found += _files(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            found += _files(item)
    return found


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
    # of a depth camera's frame: its picture, and fx, fy, cx, cy in pixels of that
    picture: MaybeFile = None
    camera: tuple[float, float, float, float] | None = None
    duplicate_of: str | None = None
    warning: str | None = None


class Scans(Artefact):
    """All passes of a drop. unit = unit of the coordinates; unit_guessed says whether it was a
    guess, unit_from where it comes from, in words, unit_other what it may be instead."""

    passes: tuple[Pass, ...]
    unit: str
    unit_guessed: bool
    unit_from: str = ""
    unit_other: str | None = None
    origin: tuple[int, int, int] = (0, 0, 0)
    oriented: bool = False  # normals are there and point outward
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


class Features(Artefact):
    """What was recognised in the cloud: frame = common frame and drop's unit → Y-up metres of
    model.glb (4×4)."""

    planes: tuple[Plane, ...] = ()
    cylinders: tuple[Cylinder, ...] = ()
    symmetry: Plane | None = None
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


class View(Artefact):
    """One picture of the object: a file below views/. Azimuth in degrees: 0 = front (camera on +Z),
    90 = the object's own left (+X)."""

    image: File
    azimuth: float
    elevation: float = 0.0
    fov: float | None = None  # of the picture's edge, degrees; None: not known
    source: str  # the file, address or generator it came from
    matting: str | None = None  # alpha, onnx, colour key or GrabCut, once the object is cut out
    seed: int | None = None


class Mesh(Artefact):
    """A triangle mesh. arrays: vertices (V,3) float64, faces (F,3) int32; optional colors (V,3)
    uint8, normals (V,3) float32, uv (V,2) float32. Scan meshes stand in the common frame and the
    drop's unit; ``frame`` maps them to Y-up metres."""

    arrays: File
    vertices: int
    faces: int
    watertight: bool
    manifold: bool
    unit: str = "m"
    frame: Matrix | None = None  # None: the mesh already stands in Y-up metres
    origin: tuple[int, int, int] = (0, 0, 0)
    unsupported_area: float | None = None  # share of the surface that no point supports
    scan_to_mesh: dict[str, float] | None = None  # {"mean", "p95"} as shares of the size
    gaps: Gaps | None = None  # what no scanner saw of it
    label: str | None = None  # "draft" or "placeholder" where that is the honest word
    # of a mesh made from views: backend, models, names of the views used, its numbers
    reconstruction: dict[str, Any] | None = None
    drawn: tuple[View, ...] = ()  # views that the backend made itself
    # base-colour texture (PNG, sRGB) that uv refers to; uv runs from the lower left corner
    image: MaybeFile = None
    normal_map: MaybeFile = None  # tangent-space normals (PNG) on the same uv, glTF convention
    # what an assist service answered: {"mesh": bool, "features": […]}
    assisted: dict[str, Any] | None = None
    # npz like arrays: an earlier form of this mesh, which still has its colours
    painted: MaybeFile = None
    painted_image: MaybeFile = None  # the texture that painted's uv refers to


class Shots(Artefact):
    """Pictures that a service was asked for one by one: (azimuth in degrees, prompt, seed) each;
    size = width and height in pixels."""

    shots: tuple[tuple[float, str, int], ...]
    size: tuple[int, int]


class Views(Artefact):
    """The multi-view set, front first. Once ``cut`` it is canonical: square RGBA of one size and
    one scale, named by azimuth."""

    views: tuple[View, ...]
    cut: bool = False
    label: str | None = None  # "placeholder" where the pictures only stand in for generated ones
    models: dict[str, str] = {}  # name → SHA-256 of the weights that made them


class PosedPicture(Artefact):
    """A picture of the surface whose camera is known; a pinhole's, without distortion."""

    image: File
    camera: tuple[float, float, float, float]  # fx, fy, cx, cy in pixels, corners at 0, 0
    pose: Matrix  # the mesh's own frame and unit → camera: x right, y down, z ahead
    name: str = ""  # of the photograph it was made from
    points: int = 0  # points of other photographs that hold it in place
    residual: float | None = None  # how far these lie from where they should, on average, pixels
    warning: str | None = None


class PosedPictures(Artefact):
    """Pictures that colours may be taken from, and where they are photographs, what was found when
    their cameras were sought. A drop without photographs has none.

    left_out: (name, why) of photographs without a place. links: (a, b, count) of pairs that show
    the same points. groups: names of photographs that hang together, those that are built first.
    sparse: npz, points (N,3) float64 in the common frame, seen (M,2) int32 = point, picture.
    about: centre and radius of what the cameras stand around; None: they look one way.
    size_known: the common frame is in metres, size_from: says what, in words.
    """

    pictures: tuple[PosedPicture, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str, int], ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    sparse: MaybeFile = None
    about: tuple[float, float, float, float] | None = None
    size_known: bool = False
    size_from: str = ""


class Exported(Artefact):
    """Files written below output/, in the order the person asked for them."""

    files_written: tuple[str, ...]
    faces: int
    texture: int | None = None  # texture edge, pixels


class Pictures(Artefact):
    """Pictures below output/."""

    preview: str
    extra: tuple[str, ...] = ()


class Report(Artefact):
    """The page a person opens and the facts a program reads, below output/."""

    page: str
    facts: str | None = None  # scan.json
    summary: dict[str, Any] = {}


@dataclass(frozen=True)
class Results:
    """All that a job came to, together: what its report tells of. What its kind does not make is
    None."""

    mesh: Mesh
    exported: Exported
    pictures: Pictures
    alignment: Alignment | None = None
    scans: Scans | None = None
    cloud: PointCloud | None = None
    features: Features | None = None
    dropped: Dropped | None = None
    views: Views | None = None
