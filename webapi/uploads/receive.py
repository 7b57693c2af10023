"""Uploads: parts are written straight into a draft as they arrive; nothing is held in memory and
nothing appears in inbox/ before the end.

A process that dies here leaves a draft, which the reaper sweeps.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import BinaryIO

from flask import Request

from layout import names, tree
from layout.tree import Atlas
from pipeline.config import Web
from pipeline.formats import signatures
from pipeline.submission import submit
from webapi.problems import Problem, cut_off
from webapi.text import clean, suffix_of
from webapi.uploads import multipart
from webapi.uploads.paths import plain_name, safe_path
from webapi.uploads.received import Received, called

CHUNK = 1 << 18
# what a file is by its first bytes → the suffix that says so
SUFFIXES = {kind: ending for ending, kind in reversed(signatures.BY_SUFFIX.items())}


class Upload:
    """One request that is being received. COUNT hears the size of every piece, CHECK the fields
    before the first file is written; files whose name SKIP says so are left out."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Web,
        request: Request,
        count: Callable[[int], None] = lambda size: None,
        check: Callable[[dict[str, list[str]]], None] = lambda fields: None,
        skip: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self.atlas, self.settings, self.request = atlas, settings, request
        self.count, self.check, self.skip = count, check, skip
        self.limit = int(settings.max_upload_gb * 1e9)
        self.received: Received | None = None
        self.fields: dict[str, list[str]] = {}
        self._folds: set[str] = set()
        self._digest = hashlib.sha256()
        self._bytes = 0

    def receive(self) -> Received:
        """Read the whole request; Problem, with the draft thrown away, when it is none that can be
        taken."""
        try:
            self.fields = {key: list(values) for key, values in self.request.args.lists()}
            if self.request.mimetype == "multipart/form-data":
                multipart.take(
                    self.request.mimetype_params.get("boundary", ""), self._read, self.fields, self
                )
            else:
                self._single()
            if self.received is None:
                raise Problem(
                    422, "no-files", "The upload holds no files.", "Send at least one file part."
                )
            self.received.fields, self.received.digest = self.fields, self._digest.hexdigest()
            return self.received
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        if self.received is not None:
            with contextlib.suppress(OSError):
                self.atlas.disk.remove_tree(self.received.draft)

    # -- the two forms of a body ---------------------------------------------------------------
    def _single(self) -> None:
        """The body is one file; ?name= is what the object is called, and with it the file."""
        zipped = self.request.mimetype == "application/zip"
        if not self.fields.get("name") and not zipped:
            raise Problem(
                415,
                "media-type",
                "This takes files.",
                "Send multipart/form-data, application/zip, or application/octet-stream with"
                " ?name=FILE.",
            )
        # a body without a telling name is known by its first bytes only
        told = suffix_of((self.fields.get("name") or [""])[0])
        chunk = b"" if told else self._read()
        with self._created(self._file_name(chunk)) as file:
            self.write(file, chunk)
            while chunk := self._read():
                self.write(file, chunk)

    def _file_name(self, head: bytes) -> str:
        """The name of the one file that begins with HEAD: a name without a file's suffix gets that
        of its content."""
        name = (self.fields.get("name") or [""])[0]
        if suffix_of(name):
            self.fields.pop("name")
            return name
        kind = signatures.sniff(head)
        if kind not in SUFFIXES and PurePosixPath(name).suffix:
            return name
        if kind not in SUFFIXES:
            raise Problem(
                422,
                "name",
                f"name: {clean(name, 80)!r} does not say what kind of file this is.",
                "End it in the file's suffix, as in ?name=vase.stl.",
            )
        return plain_name(name or "upload") + SUFFIXES[kind]

    def _read(self) -> bytes:
        chunk = self.request.stream.read(CHUNK)
        self._bytes += len(chunk)
        if not chunk and self._bytes < (self.request.content_length or 0):
            raise cut_off(self._bytes, self.request.content_length)
        self.count(len(chunk))
        if self._bytes > self.limit:
            raise too_large(self.settings)
        return chunk

    # -- files ---------------------------------------------------------------------------------
    def open_file(self, name: str) -> BinaryIO | None:
        """The file NAME of the drop, created with its folders; None where it is left out."""
        return None if self.skip(name) else self._created(name)

    def _created(self, name: str) -> BinaryIO:
        parts = safe_path(name)
        if self.received is None:
            self.check(self.fields)
            given = clean((self.fields.get("name") or [""])[0], 200)
            person = given or called("/".join(parts))
            self.received = Received(submit.open_draft(self.atlas, person), person)
        folder = self.received.draft / tree.INPUT
        fold = names.fold("/".join(parts))
        if fold in self._folds:
            raise Problem(
                422,
                "name",
                f"Two files are called {clean(name)}.",
                "Give every file a name of its own; case does not count.",
            )
        self._folds.add(fold)
        for part in parts[:-1]:
            folder /= part
            with contextlib.suppress(FileExistsError):
                self.atlas.disk.mkdir(folder)
        self.received.files.append("/".join(parts))
        self._digest.update(fold.encode() + b"\0")
        try:
            handle = os.open(
                folder / parts[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o664
            )
        except (FileExistsError, NotADirectoryError):
            raise Problem(422, "name", f"{clean(name)} is a file and a folder at once.") from None
        return os.fdopen(handle, "wb", buffering=0)

    def write(self, file: BinaryIO, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[self.atlas.disk._do("write_new", file.write, view) :]
        self._digest.update(data)

    def close_file(self, file: BinaryIO) -> None:
        self.atlas.disk._do("write_new", os.fsync, file.fileno())
        file.close()


def too_large(settings: Web) -> Problem:
    return Problem(413, "too-large", f"An upload may hold {settings.max_upload_gb:g} GB.")
