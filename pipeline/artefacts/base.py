"""What every artefact is: a small frozen record, and how it names files.

A field annotated ``File`` is a name relative to the workspace root.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

File = Annotated[str, "file"]
# not File | None: files() looks at the outermost annotation
MaybeFile = Annotated[str | None, "file"]
Matrix = tuple[tuple[float, ...], ...]  # 4×4, row-major, column vectors: p' = M p


class Artefact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def files(self) -> tuple[str, ...]:
        """Names of all workspace files this artefact refers to, nested ones included."""
        return tuple(_files(self))


def _files(value: Any) -> list[str]:
    found: list[str] = []
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            item = getattr(value, name)
            if "file" in field.metadata and isinstance(item, str):
                found.append(item)
            else:
                found += _files(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            found += _files(item)
    return found
