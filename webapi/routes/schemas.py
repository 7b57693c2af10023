"""The bodies of requests, as pydantic models: most are the options of pipeline/jobs. What is
answered stands in answers.py; openapi.py writes the document from both."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.jobs import Common, ConvertOptions, ImagesOptions, PromptOptions, ScanOptions
from pipeline.jobs.common import Axis, Format, formats, level
from webapi.routes.answers import EXAMPLE_ID
from webapi.routes.option_schema import options_schema


class Generate(PromptOptions):
    """A sentence, and how to make a model of it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"prompt": "a red cube", "output_format": "glb"}},
    )
    prompt: str = Field(min_length=1, max_length=2000, pattern=r"\S", description="what to make")


class FromImage(ImagesOptions):
    """Images by address or by path below inputs/, and how to make a model of them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"image_paths": ["/inputs/a.png"], "output_format": "glb"}},
    )

    @model_validator(mode="after")
    def _one_source(self) -> FromImage:
        if bool(self.image_urls) == bool(self.image_paths):
            raise ValueError(
                "name image_urls or image_paths, one of the two"
                if self.image_urls
                else "name image_urls or image_paths, or upload files"
            )
        return self


class Export(BaseModel):
    """What is wanted of a finished model: formats, or another way up, or both."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"example": {"output_format": "stl"}}
    )
    output_format: tuple[Format, ...] = Field(
        ("glb",), min_length=1, description="formats to write; model.glb is always there"
    )
    up: Axis | None = Field(None, description="axis of model.glb that is to point up (now y)")
    front: Axis | None = Field(
        None, description="axis of model.glb that is to point to the front (now z)"
    )

    @model_validator(mode="after")
    def _something(self) -> Export:
        if not self.model_fields_set:
            raise ValueError("name output_format, up or front")
        level(self.up or "y", self.front or "auto")
        return self

    @property
    def turned(self) -> dict[str, str]:
        """The axes that are named; empty where the model stays as it stands."""
        named = {"up": self.up, "front": self.front}
        return {key: value for key, value in named.items() if value}

    @field_validator("output_format", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return formats(value)


SCAN_LIKE: tuple[type[Common], ...] = (ScanOptions, ConvertOptions, ImagesOptions, PromptOptions)


def _options_of_any_kind(schema: dict[str, Any]) -> None:
    found = options_schema(SCAN_LIKE)
    found["kind"]["description"] = "default: as it was"
    of_input = ("prompt", "image_urls", "image_paths")
    schema["properties"] = {key: one for key, one in found.items() if key not in of_input}
    schema["additionalProperties"] = False


class Again(BaseModel):
    """The options that shall be others this time."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",  # they are checked as options of the job's kind, with those it had
        json_schema_extra=_options_of_any_kind,
    )


class Labelled(BaseModel):
    """What a job is called from now on, and its tags."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"name": "Grandma's jug", "tags": ["kitchen"]}},
    )
    name: str | None = Field(None, max_length=200, description="null: as it was dropped")
    tags: tuple[str, ...] = Field((), max_length=20, description="1 to 40 characters each")


class Many(BaseModel):
    """One verb for several jobs."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"do": "cancel", "jobs": [EXAMPLE_ID]}},
    )
    do: Literal["cancel", "retry", "delete", "restore"]
    jobs: tuple[str, ...] = Field(min_length=1, max_length=200, description="their ids")
