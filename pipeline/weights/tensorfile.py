"""Safetensors files looked at without any library: names, shapes, sizes, and how they differ from
what a network needs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import BackendUnavailable

PAGE, EMPTY = 4096, 1 << 20  # bytes of zeros: of a small file, of any other
MOST, CHANCE = 256 << 20, 64  # bytes of zeros: more than any layer has; that a tensor may end in
LARGEST_HEADER = 100_000_000  # bytes; the format's own bound
WIDTHS = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
}
Shapes = dict[str, tuple[int, ...]]


def header(path: Path) -> Shapes:
    """Names and shapes of the tensors in a safetensors file; BackendUnavailable names the file and
    what is wrong with it."""
    if trouble := not_there(path) or no_data(path):
        raise BackendUnavailable(f"{path.name} {trouble}")
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(9)
        if pickled(start):
            raise BackendUnavailable(
                f"{path.name} is a pickle; only safetensors are loaded (inbox3d models import"
                " converts it)"
            )
        stream.seek(8)
        length = _length(start)
        if not 2 <= length <= LARGEST_HEADER:
            raise BackendUnavailable(f"{path.name} is corrupt: it has no safetensors header")
        if length > size - 8:
            raise BackendUnavailable(
                f"{path.name} is corrupt: it is cut off within its header, at {size:,} bytes"
            )
        try:
            entries = json.loads(stream.read(length))
            entries.pop("__metadata__", None)
            shapes = {name: tuple(map(int, entry["shape"])) for name, entry in entries.items()}
            _check_offsets(entries, size, 8 + length)
            starts = {entry["data_offsets"][0] for entry in entries.values()}
            _check_filled(stream, size, 8 + length, starts)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackendUnavailable(f"{path.name} is corrupt: {error}") from None
    return shapes


def pickled(start: bytes) -> bool:
    """Whether a file that begins with START, its first nine bytes, is a pickle or a zip of some. A
    safetensors file begins with the length of its header, which may look like either."""
    if start[8:] == b"{" and _length(start) <= LARGEST_HEADER:
        return False
    return start[:2] == b"PK" or start[:1] == b"\x80"


def _length(start: bytes) -> int:
    return int.from_bytes(start[:8], "little") if len(start) >= 8 else 0


def _check_offsets(entries: dict[str, Any], size: int, begin: int) -> None:
    end = 0
    for name, entry in entries.items():
        width = WIDTHS[entry["dtype"]]
        for length in entry["shape"]:
            width *= length
        first, last = entry["data_offsets"]
        if last - first != width:
            raise ValueError(f"tensor {name} holds {last - first} bytes, its shape needs {width}")
        end = max(end, last)
    if begin + end != size:
        said = "it is cut off: " if size < begin + end else ""
        raise ValueError(f"{said}its header speaks of {begin + end:,} bytes, the file has {size:,}")


def _check_filled(stream: BinaryIO, size: int, begin: int, starts: set[int]) -> None:
    """A copier that makes room first leaves a file of full size that ends in zeros when it stops:
    a network would load them and make nonsense. STARTS: where tensors begin, after BEGIN; tensors
    that are zeros as a whole, as layers that training did not move, are no sign of it."""
    least = EMPTY if size - begin >= 16 * EMPTY else max(PAGE, (size - begin) // 4)
    filled = _filled(stream, size, begin)
    tail = size - filled
    whole = filled > begin and any(0 <= begin + start - filled <= CHANCE for start in starts)
    if tail >= MOST or (tail >= least and not whole):
        raise ValueError(f"it was not filled: its last {tail:,} bytes or more are zeros")


def _filled(stream: BinaryIO, size: int, begin: int) -> int:
    """Where the zeros begin in which the file ends; MOST of them are not gone beyond."""
    end = size
    while end > begin and size - end < MOST:
        first = max(begin, end - EMPTY)
        stream.seek(first)
        kept = stream.read(end - first).rstrip(b"\0")
        if kept:
            return first + len(kept)
        end = first
    return end


def not_there(path: Path) -> str | None:
    """Why PATH is no file that can be opened, in words; None: it is one."""
    if path.is_file():
        return None
    if path.is_symlink() and not path.exists():
        return f"is a link that leads nowhere ({path.readlink()})"
    return "is a folder, not a file" if path.is_dir() else "is missing"


def no_data(path: Path) -> str | None:
    """What the file PATH is where it is certainly no model data, and what to do, in words; None: it
    may be data."""
    found = what_instead(path)
    return None if found is None else ": ".join(part for part in found if part)


def what_instead(path: Path) -> tuple[str, str] | None:
    """(what the file PATH is, more about it and what to do) where it is certainly no model data."""
    with path.open("rb") as stream:
        start = stream.read(400)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        return "holds nothing but blanks" if start else "is empty (0 bytes)", "fetch it again"
    if text.startswith(b"version https://git-lfs"):
        return (
            "is a git-LFS pointer, not the file itself",
            "run `git lfs pull` in that clone, or fetch it with `inbox3d models pull`",
        )
    if text[:200].lower().startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return (
            "is a web page",
            "a login or an error was saved in place of the file; fetch it again, signed in where"
            " the licence asks for it",
        )
    if path.suffix not in (".json", ".txt", ".jinja") and all(
        32 <= byte < 127 or byte in b"\t\r\n" for byte in start
    ):
        told = start[:60].decode("ascii").strip()
        return "is text, no weights", f"“{told}”; fetch it again"
    if text.startswith(b"GGUF"):
        return "is a GGUF file, which other programs load; this one needs safetensors", ""
    return None


def compare(found: Shapes, wanted: Shapes) -> str | None:
    """The first difference between a file's tensors and its network's, in words; None where they
    agree one by one."""
    missing, unknown = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing:
        return f"tensor {missing[0]} is missing" + (
            f" (and {len(missing) - 1} more)" if missing[1:] else ""
        )
    if unknown:
        return f"tensor {unknown[0]} does not belong to the network" + (
            f" (and {len(unknown) - 1} more)" if unknown[1:] else ""
        )
    wrong = next((name for name, shape in wanted.items() if found[name] != shape), None)
    return (
        f"tensor {wrong} has shape {list(found[wrong])}, the network needs {list(wanted[wrong])}"
        if wrong
        else None
    )


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
