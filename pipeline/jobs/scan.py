"""Options of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.jobs.common import HOLES, Axis, Common, level, words


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
    turntable: int | None = Field(
        None,
        ge=2,
        le=720,
        description=(
            "the passes were taken on a turntable in so many equal steps a turn, in the order of"
            " their names"
        ),
    )
    order: Literal["any", "sequence"] = Field(
        "any",
        description=(
            "sequence: the passes were taken one after another in the order of their names, each"
            " beside the one before"
        ),
    )
    plane: Literal["auto", "keep", "remove"] = Field(
        "auto", description="support plane under an object: auto removes it from object scans"
    )
    up: Literal["auto", Axis] = Field(
        "auto",
        description=(
            "axis of the common frame that points up; auto: support plane, the file's level, or how"
            " the object rests"
        ),
    )
    front: Literal["auto", Axis] = Field(
        "auto",
        description=(
            "axis of the common frame that points to the front, as far as it is level; auto: -y"
            " where z is up"
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
    reference: str | None = Field(
        None,
        min_length=1,
        max_length=300,
        description=(
            "name of a mesh of the drop that is no pass: the scan is compared with it; where it has"
            " no unit that is the one in which it fits"
        ),
    )
    tolerance: float | None = Field(
        None,
        gt=0,
        description=(
            "with reference: how far, in mm, the scan may lie outside or inside it; scan.json, the"
            " report and the page say whether it does"
        ),
    )
    marker_edge: float | None = Field(
        None,
        ge=1,
        le=10_000,
        description=(
            "photos: edge of the black squares of printed markers (AprilTag 36h11), mm; default:"
            " those of a sheet of inbox3d board"
        ),
    )
    cloud: Literal["ply", "e57"] = Field(
        "ply",
        description=(
            "e57: the placed passes as cloud.e57 beside cloud.ply, one scan each, with every point"
            " and the pose of its scanner, in metres"
        ),
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

    @model_validator(mode="after")
    def _tolerance_of_something(self) -> ScanOptions:
        if self.tolerance is not None and self.reference is None:
            raise ValueError("tolerance says nothing without reference, the mesh to compare with")
        return self

    @model_validator(mode="after")
    def _front_is_level(self) -> ScanOptions:
        level(self.up, self.front)
        return self

    @field_validator("skip", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        value = words(value)
        return tuple(value) if isinstance(value, list) else value

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
    def writes_e57(self) -> bool:
        return self.cloud == "e57"

    @property
    def photo_edge(self) -> int:
        return self.tier.photo

    @property
    def depth_edge(self) -> int:
        return self.tier.depths

    @property
    def depth(self) -> int:
        """Of the Poisson octree, at the most."""
        return self.tier.depth

    @property
    def widest_hole(self) -> float:
        """Any, where a closed surface was asked for."""
        return 10.0 if self.surface == "closed" else self.holes
