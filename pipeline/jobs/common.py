"""What options of every kind have in common, and what a quality tier stands for."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator

from pipeline.jobs.numbers import Numbered

Axis = Literal["x", "y", "z", "-x", "-y", "-z"]
Format = Literal["glb", "obj", "stl", "ply", "3mf", "usdz", "fbx"]
FORMATS: tuple[str, ...] = ("glb", "obj", "stl", "ply", "3mf", "usdz", "fbx")
BACKEND = r"^[a-z0-9-]{1,40}$"
ASIDE = frozenset({"webhook_url", "urgent"})  # options that no result depends on
SIDES = (
    "whether the sides that the one picture does not show are drawn (models flux2-klein-base and"
    " flux2-klein-depth); default: on hosts with FLUX_MODEL=flux2-klein"
)
HOLES = 0.02  # share of the size: holes up to that are filled where no option says otherwise


class Tier(NamedTuple):
    """What a quality tier stands for, for every kind."""

    views: int  # generated views
    steps: int  # FLUX steps
    flow: int  # TripoSG steps
    grid: int  # field resolution along an edge
    cell: float  # merge cell as a share of the object's size
    depth: int  # deepest Poisson octree
    faces: int  # faces of model.glb
    texture: int  # texture edge, pixels
    photo: int  # longer edge in which photographs are worked on, pixels
    depths: int  # longer edge in which their depths are sought, pixels


TIERS: dict[str, Tier] = {
    "standard": Tier(
        views=4,
        steps=4,
        flow=30,
        grid=256,
        cell=1 / 400,
        depth=9,
        faces=100_000,
        texture=2048,
        photo=1600,
        depths=1024,
    ),
    "high": Tier(
        views=8,
        steps=4,
        flow=50,
        grid=384,
        cell=1 / 1000,
        depth=11,
        faces=500_000,
        texture=4096,
        photo=3200,
        depths=1600,
    ),
}


def words(value: Any) -> Any:
    """A list as people write it in one line: "glb,stl"; anything else as it is."""
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def formats(value: Any) -> Any:
    """Formats as people write them, ".STL" too, each once."""
    value = words(value)
    return (
        tuple(dict.fromkeys(str(one).lower().lstrip(".") for one in value))
        if isinstance(value, (list, tuple))
        else value
    )


def level(up: str, front: str) -> None:
    """ValueError where FRONT is UP or its opposite; "auto" is neither."""
    if "auto" not in (up, front) and up[-1] == front[-1]:
        raise ValueError(f"front: {front} cannot be the front where {up} is up")


class Common(Numbered):
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
    urgent: bool = Field(
        False,
        description=(
            "started before those that are not; after three urgent ones a worker starts the job"
            " that waits longest"
        ),
    )
    preset: str | None = Field(
        None,
        max_length=40,
        description=(
            "options that the operator gave a name, [presets.NAME] in inbox3d.toml; what the job"
            " says itself outranks them"
        ),
    )
    webhook_url: str | None = Field(
        None, max_length=2000, description="called when the job ends, signed"
    )

    @field_validator("output_format", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return formats(value)

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value and not _is_address(value):
            raise ValueError("it is no http or https address")
        return value

    @property
    def tier(self) -> Tier:
        return TIERS[self.quality_tier]

    # -- what stages declare (pipeline/kept/options.py): an option, or what it and the tier com
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
    def flow_steps(self) -> int:
        return self.tier.flow

    @property
    def cleans(self) -> bool:
        """Whether the mesh is repaired."""
        return True

    @property
    def makes_solids(self) -> bool:
        """Whether formats for printers get a closed body."""
        return True

    @property
    def writes_e57(self) -> bool:
        """Whether the passes are written as cloud.e57, too."""
        return False

    @property
    def widest_hole(self) -> float:
        """The widest hole to fill, as a share of the size."""
        return HOLES

    @property
    def asked(self) -> dict[str, Any]:
        """What the report shows of the options: those that are not as usual, the tier and the seed;
        nothing that says no more than when it runs and who hears of it."""
        said = self.model_dump(mode="json", exclude_defaults=True, exclude={*ASIDE})
        return said | {"quality_tier": self.quality_tier, "seed": self.seed}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket too many
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
