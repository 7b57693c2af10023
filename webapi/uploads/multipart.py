"""A body of multipart/form-data, taken as it arrives: form fields into a mapping, files to whoever
writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from webapi.problems import Problem

BUFFER = 1 << 21  # bytes that may wait for the end of a line between two parts
FIELD_LIMIT, PARTS_LIMIT = 64 * 1024, 5000
Fields = dict[str, list[str]]


class Files(Protocol):
    """Who writes the files, one after another."""

    def open_file(self, name: str) -> BinaryIO | None: ...

    def write(self, file: BinaryIO, data: bytes | bytearray) -> None: ...

    def close_file(self, file: BinaryIO) -> None: ...


def take(boundary: str, read: Callable[[], bytes], fields: Fields, files: Files) -> None:
    """Every part of the body that READ gives in pieces. Problem 400 for a body that is malformed or
    cut off, 413 for too many parts or too long a field."""
    if not 0 < len(boundary) <= 200:
        raise Problem(400, "multipart", "The multipart body names no boundary.")
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), BUFFER, max_parts=PARTS_LIMIT)
    try:
        _take(decoder, read, fields, files)
    except (ValueError, BadRequest) as error:
        raise Problem(400, "multipart", "The multipart body is cut off or malformed.") from error
    except RequestEntityTooLarge:
        raise Problem(
            413,
            "too-large",
            f"More than {PARTS_LIMIT} parts, or a field of more than {FIELD_LIMIT // 1024} KiB.",
        ) from None


def _take(
    decoder: MultipartDecoder, read: Callable[[], bytes], fields: Fields, files: Files
) -> None:
    file: BinaryIO | None = None
    key, text = "", bytearray()
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, NeedData):
                decoder.receive_data(read() or None)
            elif isinstance(event, Field):
                key, text = event.name or "", bytearray()
            elif isinstance(event, File):
                key, file = "", files.open_file(event.filename) if event.filename else None
            elif isinstance(event, Data) and key:
                text += event.data
                if len(text) > FIELD_LIMIT:
                    raise RequestEntityTooLarge
                if not event.more_data:
                    fields.setdefault(key, []).append(text.decode("utf-8", "replace"))
                    key = ""
            elif isinstance(event, Data) and file is not None:
                files.write(file, event.data)
                if not event.more_data:
                    files.close_file(file)
                    file = None
    finally:
        if file is not None:
            file.close()
