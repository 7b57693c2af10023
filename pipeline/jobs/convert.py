"""Options of a conversion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.jobs.common import Common


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
