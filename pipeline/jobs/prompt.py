"""Options of a generation from a sentence."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pipeline.jobs.common import BACKEND, SIDES, Common


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
    draw_sides: bool | None = Field(None, description=SIDES)

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
