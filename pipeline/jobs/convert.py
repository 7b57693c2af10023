"""Options of a conversion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pipeline.jobs.common import Axis, Common, level


class ConvertOptions(Common):
    """One mesh file → checked, repaired, in the asked formats."""

    kind: Literal["convert"] = "convert"
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"] = Field(
        "auto", description="unit of the coordinates; auto: by format"
    )
    up: Literal["auto", Axis] = Field(
        "auto", description="which axis of the file points up; auto: by format"
    )
    front: Literal["auto", Axis] = Field(
        "auto",
        description=(
            "which axis of the file points to the front; auto: z where y is up, -y where z is"
        ),
    )
    stand: bool = Field(
        False,
        description="put the lowest point at height 0 and the middle over the origin",
    )
    repair: bool = Field(
        True,
        description=(
            "merge vertices, drop degenerate faces, fill small holes, make normals consistent"
        ),
    )

    @model_validator(mode="after")
    def _front_is_level(self) -> ConvertOptions:
        level(self.up, self.front)
        return self

    @property
    def cleans(self) -> bool:
        return self.repair

    @property
    def makes_solids(self) -> bool:
        return self.repair
