"""Options of a reconstruction from images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipeline.jobs.common import BACKEND, SIDES, Common


class ImagesOptions(Common):
    """One or several images of an object → mesh."""

    kind: Literal["images"] = "images"
    backend: str = Field(
        "auto",
        pattern=BACKEND,
        description=(
            "auto, triposg, triposr, instantmesh, visual-hull, placeholder, or a plug-in's name"
        ),
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
    draw_sides: bool | None = Field(None, description=SIDES)
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
