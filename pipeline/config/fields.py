"""What a setting can be, and how it is read from text."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from pipeline.jobs.numbers import Numbered


def split(value: Any) -> Any:
    """A list, also as text: a,b or, as JSON and TOML write it, ["a", "b"]."""
    if not isinstance(value, str):
        return value
    with contextlib.suppress(ValueError):
        if isinstance(found := json.loads(value), list):
            return found
    return [part.strip() for part in value.split(",") if part.strip()]


def home(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError(
            f"this user has no home folder, so {value} is nowhere: set [host] scratch and models"
        ) from None


Names = Annotated[tuple[str, ...], BeforeValidator(split)]
LocalPath = Annotated[Path, AfterValidator(home)]
Seconds = Annotated[float, Field(gt=0)]


class Group(Numbered):
    model_config = ConfigDict(frozen=True, extra="forbid")
