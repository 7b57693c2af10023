"""What the services are asked for, as pydantic models. Unknown fields are refused by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.jobs.common import Format

Prompt = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
Pixels = Annotated[int, Field(ge=64, le=2048, multiple_of=16)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Generate(Body):
    """One picture, of the prompt as it stands."""

    prompt: Prompt
    width: Pixels = 512
    height: Pixels = 512
    seed: Seed | None = None  # none: 0, so that the same request gives the same picture


class Imagine(Body):
    """A picture per prompt, each on a neutral background."""

    prompts: tuple[Prompt, ...] = Field(min_length=1, max_length=16)
    width: Pixels = 512
    height: Pixels = 512
    seed: Seed | None = None


class FromUrls(Body):
    """Pictures at public addresses, fetched, cut out and brought to one size."""

    urls: tuple[Text, ...] = Field(min_length=1, max_length=16)


class Reconstruct(Body):
    """A mesh from pictures; their names say which side they show (front, 090 …)."""

    image_paths: tuple[Text, ...] = Field(min_length=1, max_length=16)
    output_format: Format = "glb"
    backend: str = Field("auto", pattern=r"^[a-z0-9-]{1,40}$")
    quality_tier: Literal["standard", "high"] = "standard"
    seed: Seed | None = None


class Clean(Body):
    """A mesh, checked and repaired, in another format."""

    mesh_path: Text
    output_format: Format = "glb"
    quality_tier: Literal["standard", "high"] = "standard"
