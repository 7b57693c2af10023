"""Kinds and their options: the ONE definition that the CLI, the API, job.toml, job.json and the
docs share.

A request is flat: ``kind`` first, then options. ``parse`` turns any mapping into one of the option
models or raises SubmitRefused naming the key; ``options_of`` is what stands in job.json.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.errors import SubmitRefused

Format = Literal["glb", "obj", "stl", "ply", "3mf", "usdz", "fbx"]
FORMATS: tuple[str, ...] = ("glb", "obj", "stl", "ply", "3mf", "usdz", "fbx")
BACKEND = r"^[a-z0-9-]{1,40}$"
GONE = {
    "camera": (
        "this option is gone: colour and depth images are not read, so drop the frames as points"
    )
}
PATTERNS = {BACKEND: "a name of small letters, digits and hyphens"}  # in words
Kind = Literal["scan", "images", "prompt", "convert"]
HOLES = 0.02  # share of the size: holes up to that are filled where no option says otherwise


class Tier(NamedTuple):
    """What a quality tier stands for, for every kind."""

    views: int  # generated views
    steps: int  # FLUX steps
    grid: int  # field resolution along an edge
    cell: float  # merge cell as a share of the object's size
    depth: int  # deepest Poisson octree
    faces: int  # faces of model.glb
    texture: int  # texture edge, pixels


TIERS: dict[str, Tier] = {
    "standard": Tier(
        views=4, steps=4, grid=256, cell=1 / 400, depth=9, faces=100_000, texture=2048
    ),
    "high": Tier(views=8, steps=4, grid=384, cell=1 / 1000, depth=11, faces=500_000, texture=4096),
}


def words(value: Any) -> Any:
    """A list as people write it in one line: "glb,stl"; anything else as it is."""
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


class Common(BaseModel):
    """Options that every kind has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    output_format: tuple[Format, ...] = Field(
        ("glb",), min_length=1, description="formats to write; model.glb is always there"
    )
    quality_tier: Literal["standard", "high"] = Field(
        "standard", description="a row of the table of quality tiers"
    )
    faces: int | None = Field(
        None, ge=100, le=20_000_000, description="face budget of the model; default: the tier's"
    )
    texture: bool = Field(
        True,
        description=(
            "unwrap the mesh and bake its colours into a texture; false: only what the file has is"
            " kept"
        ),
    )
    texture_size: int | None = Field(
        None, ge=64, le=16384, description="texture edge in pixels; default: the tier's"
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        description="seed of everything random; same input and seed, same bytes",
    )
    webhook_url: str | None = Field(
        None, max_length=2000, description="called when the job ends, signed"
    )

    @field_validator("output_format", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        value = words(value)
        return (
            tuple(dict.fromkeys(str(v).lower().lstrip(".") for v in value))
            if isinstance(value, (list, tuple))
            else value
        )

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value and not _is_address(value):
            raise ValueError("it is no http or https address")
        return value

    @property
    def tier(self) -> Tier:
        return TIERS[self.quality_tier]

    # -- what stages declare (pipeline/kept/declared.py): an option, or what it and the tier com
    @property
    def face_budget(self) -> int | None:
        """Faces of the model at the most; None: as many as there are."""
        return self.faces or self.tier.faces

    @property
    def texture_edge(self) -> int | None:
        """Pixels; None: no texture is made."""
        return (self.texture_size or self.tier.texture) if self.texture else None

    @property
    def grid(self) -> int:
        return self.tier.grid

    @property
    def cleans(self) -> bool:
        """Whether the mesh is repaired."""
        return True

    @property
    def makes_solids(self) -> bool:
        """Whether formats for printers get a closed body."""
        return True

    @property
    def widest_hole(self) -> float:
        """The widest hole to fill, as a share of the size."""
        return HOLES

    @property
    def asked(self) -> dict[str, Any]:
        """What the report shows of the options: those that are not as usual, the tier and the seed;
        no address of a webhook."""
        said = self.model_dump(mode="json", exclude_defaults=True, exclude={"webhook_url"})
        return said | {"quality_tier": self.quality_tier, "seed": self.seed}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket too many
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class ScanOptions(Common):
    """Raw passes of one object or room → an aligned, textured mesh."""

    kind: Literal["scan"] = "scan"
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"] = Field(
        "auto", description="unit of the coordinates; auto guesses and says so"
    )
    align: Literal["auto", "given", "off"] = Field(
        "auto",
        description="auto: find the poses; given: trust the files' own; off: already in one frame",
    )
    components: Literal["largest", "all"] = Field(
        "largest", description="when passes fall into several objects: build the largest or all"
    )
    plane: Literal["auto", "keep", "remove"] = Field(
        "auto", description="support plane under an object: auto removes it from object scans"
    )
    up: Literal["auto", "x", "y", "z", "-x", "-y", "-z"] = Field(
        "auto",
        description=(
            "axis of the common frame that points up; auto: support plane, the file's level, or how"
            " the object rests"
        ),
    )
    surface: Literal["observed", "closed"] = Field(
        "observed", description="cut surface that no point supports, or close it"
    )
    cell: float | None = Field(
        None,
        gt=0,
        description="merge cell in the drop's own unit; default: the tier's share of the size",
    )
    holes: float = Field(
        HOLES, ge=0, le=1, description="fill holes up to this share of the object's size"
    )
    skip: tuple[Literal["outliers", "features", "clean", "decimate"], ...] = Field(
        (), description="stages to leave out, one or several"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_camera(cls, value: Any) -> Any:
        """Jobs of an earlier version hold the option camera, unset."""
        unset = isinstance(value, Mapping) and "camera" in value and value["camera"] is None
        return {key: item for key, item in value.items() if key != "camera"} if unset else value

    @field_validator("skip", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return words(value)

    @property
    def drops_outliers(self) -> bool:
        return "outliers" not in self.skip

    @property
    def finds_planes(self) -> bool:
        return "features" not in self.skip

    @property
    def cleans(self) -> bool:
        return "clean" not in self.skip

    @property
    def face_budget(self) -> int | None:
        return None if "decimate" in self.skip else super().face_budget

    @property
    def cell_share(self) -> float:
        """The merge cell as a share of the object's size; 0 where ``cell`` says it."""
        return 0.0 if self.cell else self.tier.cell

    @property
    def depth(self) -> int:
        """Of the Poisson octree, at the most."""
        return self.tier.depth

    @property
    def widest_hole(self) -> float:
        """Any, where a closed surface was asked for."""
        return 10.0 if self.surface == "closed" else self.holes


class ConvertOptions(Common):
    """One mesh file → checked, repaired, in the asked formats."""

    kind: Literal["convert"] = "convert"
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"] = Field(
        "auto", description="unit of the coordinates; auto: by format"
    )
    up: Literal["auto", "y", "z"] = Field(
        "auto", description="which axis of the file points up; auto: by format"
    )
    repair: bool = Field(
        True,
        description=(
            "merge vertices, drop degenerate faces, fill small holes, make normals consistent"
        ),
    )

    @property
    def cleans(self) -> bool:
        return self.repair

    @property
    def makes_solids(self) -> bool:
        return self.repair


class ImagesOptions(Common):
    """One or several images of an object → mesh."""

    kind: Literal["images"] = "images"
    backend: str = Field(
        "auto",
        pattern=BACKEND,
        description="auto, triposr, instantmesh, visual-hull, placeholder, or a plug-in's name",
    )
    elevation: float | None = Field(
        None,
        ge=-80,
        le=80,
        description=(
            "degrees that the camera stood above the object's middle; default: what fits the views"
            " best"
        ),
    )
    fov: float | None = Field(
        None,
        ge=5,
        le=120,
        description=(
            "degrees that the camera saw across the pictures' longer edge; default: what fits the"
            " views best"
        ),
    )
    image_urls: tuple[str, ...] = Field((), max_length=16, description="images to fetch")
    image_paths: tuple[str, ...] = Field(
        (), max_length=16, description="images below inputs/ on Atlas"
    )

    @field_validator("image_paths")
    @classmethod
    def _below_inputs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(below_inputs(path) for path in value)


def below_inputs(path: str) -> str:
    """``/inputs/a.png``, ``inputs/a.png`` and ``a.png`` mean the same image: the path relative to
    inputs/.

    ValueError where it leaves it.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    parts = parts[1:] if parts[:1] == ["inputs"] else parts
    if not parts or ".." in parts:
        raise ValueError(f"{path} is no file below inputs/")
    return "/".join(parts)


class PromptOptions(Common):
    """A sentence → generated views → mesh."""

    kind: Literal["prompt"] = "prompt"
    prompt: str = Field(
        "", max_length=2000, description="what to make; empty: the text of prompt.txt in the drop"
    )
    views: int | None = Field(
        None, ge=1, le=16, description="how many views to generate; default: the tier's"
    )
    backend: str = Field(
        "auto", pattern=BACKEND, description="reconstruction backend, as for images"
    )

    @property
    def view_count(self) -> int:
        return self.views or self.tier.views

    @property
    def steps(self) -> int:
        return self.tier.steps

    @property
    def elevation(self) -> None:
        """Generated views are asked for at the object's height."""

    @property
    def fov(self) -> None:
        """What a generator has for a camera, it says itself."""

    @field_validator("prompt", mode="before")
    @classmethod
    def _plain_line_ends(cls, value: Any) -> Any:
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    @field_validator("prompt")
    @classmethod
    def _a_text(cls, value: str) -> str:
        if any(ord(sign) < 32 and sign not in "\t\n\r" for sign in value):
            raise ValueError("it holds control characters")
        return value


# a backend that needs so many views, and the model that draws them where there are fewer
POSED = {"instantmesh": (4, "zero123plus")}


def can_serve(backend: str, views: int | None, able: Collection[str]) -> bool:
    """Whether somebody with the backends and models ABLE makes a mesh by BACKEND from that many
    views; None: their number is not known."""
    fewest, drawing = POSED.get(backend, (0, ""))
    return backend in able and (views is None or views >= fewest or drawing in able)


def views_named(options: Mapping[str, Any]) -> int | None:
    """How many views a flat request speaks of; None where it does not tell."""
    named = len(options.get("image_urls") or ()) + len(options.get("image_paths") or ())
    if options.get("kind") == "prompt":
        return (
            options.get("views")
            or TIERS.get(str(options.get("quality_tier")), TIERS["standard"]).views
        )
    return named or None


AnyOptions = Annotated[
    ScanOptions | ConvertOptions | ImagesOptions | PromptOptions, Field(discriminator="kind")
]
OPTIONS: dict[str, type[Common]] = {
    "scan": ScanOptions,
    "images": ImagesOptions,
    "prompt": PromptOptions,
    "convert": ConvertOptions,
}
_adapter: TypeAdapter[AnyOptions] = TypeAdapter(AnyOptions)


def parse(request: Mapping[str, Any]) -> AnyOptions:
    """Validate a flat request (``kind`` + options) and return its option model; SubmitRefused names
    the offending key."""
    try:
        return _adapter.validate_python(dict(request))
    except ValidationError as error:
        raise SubmitRefused(explain(error)) from None


def explain(error: ValidationError) -> str:
    """One line a person understands, for the first thing that is wrong."""
    first = error.errors()[0]
    # the first part is the kind
    path = first["loc"][1:] if first["loc"][:1] and first["loc"][0] in OPTIONS else first["loc"]
    where = ".".join(map(str, path)) or "kind"
    *most, last = OPTIONS
    kinds = f"use {', '.join(most)} or {last}"
    match first["type"]:
        case "extra_forbidden":
            return f"{where}: {GONE.get(where) or wrong(first)}"
        case "union_tag_invalid":
            return f"kind: there is no kind {first['ctx']['tag']!r}; {kinds}"[:400]
        case "union_tag_not_found":
            return f"kind: it is missing; {kinds}"
    return f"{where}: {wrong(first)} (given: {first.get('input')!r})"[:400]


def wrong(row: Mapping[str, Any]) -> str:
    """What is wrong with one key, ROW of a ValidationError's errors(), in words for people who know
    JSON and not pydantic."""
    match row["type"]:
        case "extra_forbidden":
            return "there is no such option"
        case "missing":
            return "it is missing"
        case "int_type" | "int_parsing" | "int_from_float":
            return "it must be a whole number"
        case "float_type" | "float_parsing":
            return "it must be a number"
        case "bool_type" | "bool_parsing":
            return "it must be true or false"
        case "string_type":
            return "it must be text"
        case "list_type" | "tuple_type":
            return "it must be a list"
        case "too_long":
            return f"it holds more than {row['ctx']['max_length']}"
        case "too_short" | "string_too_short" | "string_pattern_mismatch" if not str(
            row["input"]
        ).strip(" ()[]"):
            return "it is empty"
        case "string_pattern_mismatch" if row["ctx"]["pattern"] in PATTERNS:
            return f"it must be {PATTERNS[row['ctx']['pattern']]}"
    return str(row["msg"]).removeprefix("Value error, ").replace("Input should", "it should")


def options_of(options: Common) -> dict[str, Any]:
    """The options as they stand in job.json: everything but the kind, defaults included."""
    return options.model_dump(mode="json", exclude={"kind"})
