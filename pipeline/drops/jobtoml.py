"""job.toml: how a person says what a drop is, and which files it has. Flat: ``kind`` first, then
options, then [[files]]."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from layout.tree import JOB_TOML as NAME
from pipeline import jobs
from pipeline.errors import InputRejected, SubmitRefused
from pipeline.formats.signatures import decoded
from pipeline.jobs.numbers import Numbered
from pipeline.jobs.presets import Presets, expanded
from pipeline.jobs.wording import wrong

LIMIT = 256 * 1024  # bytes


class ListedFile(Numbered):
    """One [[files]] entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int = Field(ge=0)
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None


class JobToml(BaseModel):
    """What job.toml says; request is empty or holds kind and options as an API body would."""

    model_config = ConfigDict(frozen=True)

    request: dict[str, Any]
    files: tuple[ListedFile, ...] = ()
    name: str = NAME  # as the person spelled it
    sha256: str | None = None  # of what was read

    @property
    def kind(self) -> str | None:
        return self.request.get("kind")


_files = TypeAdapter(tuple[ListedFile, ...])


def parse(data: bytes, where: str = NAME, presets: Presets | None = None) -> JobToml:
    """Read job.toml, called WHERE; InputRejected names the key that is wrong.

    A kind is not required: options alone go with a guessed kind. PRESETS: None where only its files
    matter; else a preset that it names is written out.
    """
    if len(data) > LIMIT:
        raise _wrong(f"it is larger than {LIMIT // 1024} KiB", where)
    try:
        text = decoded(data)
    except UnicodeDecodeError:
        raise _wrong("it is not UTF-8 text", where, "Save it as UTF-8") from None
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not TOML, absurd numbers, absurd nesting
        raise _not_toml(text, error, where) from None
    try:
        files = _files.validate_python(content.pop("files", ()))
    except ValidationError as error:
        raise _wrong(_explain(error), where) from None
    if presets is not None:
        try:
            content = expanded(content, presets)
        except SubmitRefused as refused:
            raise _wrong(refused.message.rstrip("."), where) from None
    same = tuple(file.model_copy(update={"path": same_path(file.path)}) for file in files)
    read = hashlib.sha256(data).hexdigest()
    listed = JobToml(request=content, files=same, name=where, sha256=read)
    if listed.kind is not None:
        options(content, str(listed.kind), where)
    return listed


def options(request: Mapping[str, Any], kind: str, where: str = NAME) -> dict[str, Any]:
    """All options of a job of KIND with what REQUEST sets; InputRejected names an unknown or wrong
    key, and the file WHERE it stands."""
    try:
        return jobs.options_of(jobs.parse({**request, "kind": kind}))
    except SubmitRefused as refused:
        raise _wrong(refused.message, where) from None


def _not_toml(text: str, error: Exception, where: str) -> InputRejected:
    """What people's editors make of job.toml is told as what they see; the rest as the parser says
    it."""
    if text.startswith("{\\rtf"):
        return _wrong("it is a formatted document (RTF)", where, "Save it as plain text")
    at = re.search(r"at line (\d+), column (\d+)", str(error))
    sign = text.split("\n")[int(at[1]) - 1][int(at[2]) - 1 :][:1] if at else ""
    if sign and sign in "“”„‟‘’‚«»":
        why = f"it holds the quotation mark {sign} of a word processor"
        return _wrong(why, where, f'Correct {where}, with plain quotation marks ("),')
    if str(error).startswith("Cannot overwrite a value"):
        return _wrong(f"a key is given twice {str(error).partition('value ')[2]}", where)
    return _wrong(f"it is not valid TOML: {error}", where)


def _explain(error: ValidationError) -> str:
    """What is wrong with [[files]], entries counted from 1 as people do."""
    first = error.errors()[0]
    match first["loc"]:
        case (int(at), key) if first["type"] == "missing":
            return f"files: entry {at + 1} lacks {key}"
        case (int(at), key) if first["type"] == "extra_forbidden":
            return (
                f"files: entry {at + 1} has the key {key}, which says nothing here; use path, size"
                " and sha256"
            )
        case (int(at), *keys):
            where = "".join(f", {key}" for key in keys)
            said = f"files: entry {at + 1}{where}: {wrong(first)} (given: {first['input']!r})"
            return said[:400]
    return "files: it is no list of entries; write each under a line [[files]]"


def same_path(path: str) -> str:
    """PATH as it is compared: forward slashes, NFC, no leading "./"."""
    return unicodedata.normalize("NFC", path.replace("\\", "/")).removeprefix("./")


def _wrong(why: str, where: str, mend: str | None = None) -> InputRejected:
    return InputRejected(
        f"{where}: {why}",
        remedy=f"{mend or f'Correct {where}'} in the drop.",
    )
