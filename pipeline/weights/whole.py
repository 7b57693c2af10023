"""Is a diffusers folder whole? Each file that loading it reads is there and no stump, and the index
of a file that was cut into shards agrees with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import BackendUnavailable
from pipeline.weights import tensorfile
from pipeline.weights.catalogue import INDEX
from pipeline.weights.parts import (
    LARGEST_JSON,
    TOKENIZER,
    PicklesOnly,
    loaded,
    missing,
    parts_of,
    pickled_alone,
)


def index_of(folder: Path) -> dict[str, Any]:
    return read_json(folder / INDEX)


def check(folder: Path, entries: Iterable[str]) -> list[Path]:
    """The files that loading the diffusers folder reads, model_index.json first. BackendUnavailable
    names each that is missing or broken.

    ENTRIES must be named by the index. Headers, sizes and small files are read, tensors are not.
    """
    index = index_of(folder)
    if lacking := [entry for entry in entries if not index.get(entry)]:
        looks = f" (it is a {index['_class_name']})" if index.get("_class_name") else ""
        raise BackendUnavailable(f"{INDEX} names no {lacking[0]}{looks}")
    found, troubles, pickled = [folder / INDEX], [], False
    for part in parts_of(index):
        below = folder / part.name
        if not below.is_dir():
            troubles.append(f"the folder {part.name}/ is missing")
            continue
        names = {path.name for path in below.iterdir()}
        gone = missing(part, names)
        pickled |= bool(gone) and pickled_alone(part, names)
        files = [below / name for name in loaded(part, names)]
        troubles += [
            *gone,
            *(f"{part.name}/{words}" for words in _broken(files, whole=not gone)),
        ]
        found += files
    if troubles:
        raise (PicklesOnly if pickled else BackendUnavailable)("; ".join(dict.fromkeys(troubles)))
    return found


def _broken(files: list[Path], whole: bool) -> list[str]:
    """What is wrong with each of a part's FILES; where none is, and the part is WHOLE, how its
    index and its shards differ."""
    troubles, shapes, maps = [], {}, {}
    for path in files:
        try:
            if path.suffix == ".safetensors":
                shapes[path.name] = tensorfile.header(path)
            elif path.suffix == ".json":
                text = read_json(path)
                if path.name in TOKENIZER[1:3] and not text and (size := path.stat().st_size) < 9:
                    troubles.append(f"{path.name} holds no words ({size} bytes)")
                if path.name.endswith(".index.json"):
                    maps[path.name] = text.get("weight_map")
            elif trouble := tensorfile.not_there(path) or tensorfile.no_data(path):
                troubles.append(f"{path.name} {trouble}")
        except BackendUnavailable as error:
            troubles.append(error.message)
    try:
        for name, told in maps.items() if whole and not troubles else ():
            _check_shards(told, shapes, name)
    except BackendUnavailable as error:
        troubles.append(error.message)
    return troubles


def _check_shards(told: Any, shapes: Mapping[str, tensorfile.Shapes], index: str) -> None:
    """Every tensor that the index names lies in the file that it names."""
    if not isinstance(told, dict) or not told:
        raise BackendUnavailable(f"{index} names no files")
    for tensor, name in told.items():
        if name not in shapes:
            raise BackendUnavailable(f"{name} is missing, which {index} names")
        if tensor not in shapes[name]:
            raise BackendUnavailable(f"{name} lacks tensor {tensor}, which {index} says it holds")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; {} for a large one, of which only the ends are looked at."""
    if trouble := tensorfile.not_there(path) or tensorfile.no_data(path):
        raise BackendUnavailable(f"{path.name} {trouble}")
    try:
        if path.stat().st_size > LARGEST_JSON:
            with path.open("rb") as stream:
                begin = stream.read(64).lstrip()
                stream.seek(-64, 2)
                said: Any = (
                    {} if begin[:1] == b"{" and stream.read().rstrip()[-1:] == b"}" else None
                )
        else:
            said = json.loads(path.read_bytes())
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise BackendUnavailable(f"{path.name} cannot be read: it is no JSON object, or cut off")
    return said
