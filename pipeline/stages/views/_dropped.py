"""The pictures among the files of a job: those in the drop, in its archives too, and those that are
asked for by path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected
from pipeline.formats import archives, pictures
from pipeline.formats.refusals import Source
from pipeline.geometry.readers import picture
from pipeline.kept.options import FetchImages
from pipeline.workspace import StageWorkspace


def pictures_of(dropped: Dropped | None, ws: StageWorkspace[FetchImages]) -> dict[str, Path]:
    """Name → file. A warning names what else there is; InputRejected where there is nothing else,
    or a file is not there."""
    found: dict[str, Path] = {}
    others: list[str] = []
    for name in dict.fromkeys([*(dropped.names if dropped else ()), *ws.options.image_paths]):
        path = (ws.input / name).resolve()
        if not path.is_relative_to(ws.input.resolve()) or not path.is_file():
            raise InputRejected(
                f"{name} is not among the files of this job.",
                remedy="Name a picture that lies below inputs/ on the share.",
            )
        for one in (
            archives.unpack(Source(name, path), _places(ws, name))
            if archives.is_archive(name)
            else [Source(name, path)]
        ):
            if _is_picture(one) or name in ws.options.image_paths:
                found[one.name] = one.path
            else:
                others.append(one.name)
    if others and not found and not ws.options.image_urls:
        raise picture.not_taken(others[0])
    if others:
        ws.warn(
            f"Not used, because they are no pictures ({pictures.TAKEN} are):"
            f" {', '.join(others[:20])}."
        )
    return found


def _places(ws: StageWorkspace[FetchImages], name: str) -> Callable[[int], Path]:
    return lambda number: ws.path(f"views/unpacked/{name}.{number:05d}")


def _is_picture(source: Source) -> bool:
    """By its name, so that a broken one is told, or by its content."""
    suffix = PurePosixPath(source.name).suffix.lower()
    with source.path.open("rb") as file:
        return suffix in pictures.BY_SUFFIX or (
            pictures.kind_of(file.read(512)) is not None and suffix not in pictures.NOT_TAKEN
        )
