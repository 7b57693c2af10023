"""Reading a file of bytes with everything that lies beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.formats import meshes
from pipeline.geometry import readers
from pipeline.geometry.readers.assemble import Assembled, assemble
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import Contents
from tests.support import meshfiles


@dataclass
class Seen:
    contents: Contents
    whole: Assembled
    warnings: list[str]

    @property
    def volume(self) -> float:
        return meshfiles.volume(self.whole.surface.vertices, self.whole.surface.faces)

    @property
    def area(self) -> float:
        return meshfiles.area(self.whole.surface.vertices, self.whole.surface.faces)

    @property
    def colors(self) -> set[tuple[int, ...]]:
        found = self.whole.surface.colors
        return set() if found is None else {tuple(int(value) for value in row) for row in found}


Read = Callable[..., Seen]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read("a.obj", data, **{"tex/b.png": data}): the first file as a mesh, the others beside it."""

    def reader(name: str, data: bytes, others: dict[str, bytes] | None = None) -> Seen:
        for one, content in {name: data, **(others or {})}.items():
            (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / one).write_bytes(content)
        files = [(one, tmp_path / one) for one in {name: data, **(others or {})}]
        meshes.check(name, tmp_path / name)
        contents = readers.read(name, tmp_path / name, Companions(files))
        return Seen(
            contents,
            assemble(contents.parts),
            [f"{name}: {text}." for text in contents.account.differences()],
        )

    return reader
