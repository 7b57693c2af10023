"""Models whose numbers are numbers: true and false count as 1 and 0 elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Numbered(BaseModel):
    """In a field of numbers neither true nor false is taken, nor what is infinite or nan."""

    model_config = ConfigDict(allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth(cls, value: Any) -> Any:
        """The words true and false are no numbers; the values would be."""
        if not isinstance(value, Mapping):
            return value
        fields = cls.model_fields
        told = {
            key: str(one).lower()
            if isinstance(one, bool) and key in fields and _counts(fields[key].annotation)
            else one
            for key, one in value.items()
        }
        # from here on a list of JSON is judged as Python's: strictly only a tuple is one
        return {key: tuple(one) if isinstance(one, list) else one for key, one in told.items()}


def _counts(annotation: Any) -> bool:
    """Whether an annotation such as float | None means a number."""
    parts = {annotation, *get_args(annotation)}
    return bool(parts & {int, float}) and bool not in parts
