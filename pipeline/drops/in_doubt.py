"""Words for a drop whose kind cannot be told: what is there, and the job.toml line that would
decide."""

from __future__ import annotations

from pipeline.drops import unread
from pipeline.drops.evidence import some
from pipeline.drops.item import (
    COLOUR_OR_DEPTH,
    IMAGE,
    MESH,
    PROMPT_LIMIT,
    RANGE_IMAGE,
    TEXT,
    Item,
    of,
    without_masks,
)
from pipeline.errors import InputRejected
from pipeline.formats import foreign, pictures, signatures, tables


def in_doubt(found: list[Item]) -> InputRejected:
    """Why the kind cannot be told from FOUND, and what would decide it: the first doubt that there
    is."""
    refusals = (doubt(found) for doubt in _DOUBTS)
    return next((refusal for refusal in refusals if refusal is not None), _nothing(found))


def _another_programs(found: list[Item]) -> InputRejected | None:
    model = next((item for item in found if foreign.words(item.name)), None)
    return foreign.refusal(model.name) if model else None


def _unpaired(found: list[Item]) -> InputRejected | None:
    if not any(COLOUR_OR_DEPTH.search(item.name) for item in _images(found)):
        return None
    return InputRejected(
        "the drop has colour or depth images that do not pair by name (color_1.png with"
        " depth_1.png)",
        remedy="Rename them so that they pair; or add a file job.toml with the line kind ="
        ' "images" if they show one object.',
    )


def _views_or_photos(found: list[Item]) -> InputRejected | None:
    if not of(found, IMAGE):
        return None
    images = without_masks(_images(found))
    beside = "".join(f"; {words}" for words in unread.beside(images, found))
    return InputRejected(
        f"the drop has {len(images)} images, which may be views of an object or photos of a scan"
        f"{beside}",
        remedy="Name them front, left, back, right; or add a file job.toml with the line kind ="
        ' "images"; or add photos, each from a step beside the last: a scan takes three or more.',
    )


def several_meshes(found: list[Item]) -> InputRejected | None:
    if not of(found, MESH):
        return None
    return InputRejected(
        f"the drop has several meshes that cannot be passes of a scan{holding(found)}",
        remedy="Drop each in a folder of its own; or add a file job.toml with the line kind ="
        ' "convert" beside the one mesh.',
    )


def _a_note(found: list[Item]) -> InputRejected | None:
    if len(found) != 1 or found[0].what != TEXT or not 0 < found[0].size <= PROMPT_LIMIT:
        return None
    return InputRejected(
        f"the drop holds only {found[0].name}, which may be a note and no prompt",
        remedy="If it says what to make, call it prompt.txt or add a file job.toml with the line"
        ' kind = "prompt".',
    )


def _too_long(found: list[Item]) -> InputRejected | None:
    if len(found) != 1 or found[0].what != TEXT or found[0].size <= PROMPT_LIMIT:
        return None
    return InputRejected(
        f"{found[0].name} is {found[0].size} bytes long, and a prompt has at most {PROMPT_LIMIT}"
        " characters",
        remedy="Say in fewer words what to make; or add a file job.toml with the lines kind ="
        ' "prompt" and prompt = "what to make".',
    )


def _no_single_text(found: list[Item]) -> InputRejected | None:
    if not of(found, TEXT):
        return None
    return InputRejected(
        f"the drop is neither a scan nor a mesh, and no single text of 1 to {PROMPT_LIMIT}"
        f" characters{holding(found)}",
        remedy='Drop one short text, or add a file job.toml with the lines kind = "prompt" and'
        ' prompt = "what to make".',
    )


def unread_picture(found: list[Item]) -> InputRejected | None:
    """A film, a raw file or a drawing, where nothing else in the drop is used."""
    for item in found:
        if what := pictures.NOT_TAKEN.get(signatures.suffix(item.name)):
            return InputRejected(
                f"{item.name} is {what}, which is not read",
                remedy=_FRAMES
                if signatures.suffix(item.name) in pictures.FILMS
                else f"Save it as one of {pictures.TAKEN} and drop that.",
            )
    return None


def _shortcut(found: list[Item]) -> InputRejected | None:
    for item in found:
        if signatures.suffix(item.name) in _SHORTCUTS:
            return InputRejected(
                f"{item.name} is a shortcut: it says where something is, and holds nothing of it",
                remedy="Drop the file or the folder itself that it leads to.",
            )
    return None


def _no_rows(found: list[Item]) -> InputRejected | None:
    table = next(
        (one for one in found if one.figures or signatures.suffix(one.name) in _TABLES), None
    )
    if table is None:
        return None
    return InputRejected(
        f"{table.name} holds no rows of at least three numbers (x, y, z)",
        remedy="Export the points again, as E57, PLY or a table with one point a row; or add a"
        ' file job.toml with the line kind = "scan" if it is such a table.',
    )


def _figures(found: list[Item]) -> InputRejected | None:
    return _no_rows(found) if len(found) == 1 and found[0].figures else None


def _by_content(found: list[Item]) -> InputRejected | None:
    for item in found:
        if item.really:
            return InputRejected(
                f"{item.name} is {item.really} by what it holds, and its name does not say so",
                remedy="Give it the right suffix.",
            )
    return None


def in_doubt_of_archive(found: list[Item]) -> InputRejected | None:
    """An archive that is not opened: inside another one, or of a format that is not read."""
    for item in found:
        if what := _ARCHIVES.get(signatures.suffix(item.name)):
            return InputRejected(
                f"{item.name} is {what}, which is not opened",
                remedy="Unpack it and drop what it holds, or pack it as .zip.",
            )
        if item.name != item.file and signatures.suffix(item.name) in (".zip", ".tar"):
            return InputRejected(
                f"{item.name} is an archive inside an archive, and those are not opened",
                remedy="Unpack the outer one and drop what it holds.",
            )
    return None


def _nothing(found: list[Item]) -> InputRejected:
    return InputRejected(
        f"nothing in the drop can be used{holding(found)}",
        remedy="Drop scan passes, a mesh, images or a short text; a file job.toml with a line such"
        ' as kind = "scan" says what it is.',
    )


_DOUBTS = (
    _another_programs,
    _unpaired,
    _views_or_photos,
    several_meshes,
    _figures,
    _a_note,
    _too_long,
    _no_single_text,
    unread_picture,
    in_doubt_of_archive,
    _shortcut,
    _by_content,
    _no_rows,
)
_SHORTCUTS = frozenset({".lnk", ".url", ".webloc", ".inetloc", ".fileloc", ".desktop"})
_ARCHIVES = {".rar": "a RAR archive", ".7z": "a 7z archive"}
_TABLES = frozenset(tables.SUFFIXES) - {".txt"}
_FRAMES = (
    "Save 20 to 60 sharp frames of it as pictures, each from a step beside the last, and drop"
    " these."
)


def _images(found: list[Item]) -> list[Item]:
    return [item for item in found if item.what in (IMAGE, RANGE_IMAGE)]


def holding(found: list[Item]) -> str:
    """What is there, as the end of a sentence."""
    return f" (it holds {some([item.name for item in found])})" if found else " (it holds no files)"
