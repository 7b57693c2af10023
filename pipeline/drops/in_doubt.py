"""Words for a drop whose kind cannot be told: what is there, and the job.toml line that would
decide."""

from __future__ import annotations

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
)
from pipeline.errors import InputRejected
from pipeline.formats import foreign, pictures, signatures


def in_doubt(found: list[Item]) -> InputRejected:
    """Why the kind cannot be told from FOUND, and what would decide it."""
    if model := next((item for item in found if foreign.words(item.name)), None):
        return foreign.refusal(model.name)
    images = [item for item in found if item.what in (IMAGE, RANGE_IMAGE)]
    if any(COLOUR_OR_DEPTH.search(item.name) for item in images):
        return InputRejected(
            "the drop has colour or depth images that do not pair by name (color_1.png with"
            " depth_1.png)",
            remedy=(
                "Rename them so that they pair; or add a file job.toml with the line kind ="
                ' "images" if they show one object.'
            ),
        )
    if images:
        return InputRejected(
            f"the drop has {len(images)} images, which may be views of an object or photos of a"
            " scan",
            remedy=(
                "Name them front, left, back, right; or add a file job.toml with the line kind ="
                ' "images" (or kind = "scan").'
            ),
        )
    if of(found, MESH):
        return InputRejected(
            f"the drop has several meshes that cannot be passes of a scan{holding(found)}",
            remedy=(
                "Drop each in a folder of its own; or add a file job.toml with the line kind ="
                ' "convert" beside the one mesh.'
            ),
        )
    if len(found) == 1 and found[0].what == TEXT and 0 < found[0].size <= PROMPT_LIMIT:
        return InputRejected(
            f"the drop holds only {found[0].name}, which may be a note and no prompt",
            remedy=(
                "If it says what to make, call it prompt.txt or add a file job.toml with the line"
                ' kind = "prompt".'
            ),
        )
    if any(item.what == TEXT for item in found):
        return InputRejected(
            f"the drop is neither a scan nor a mesh, and no single text of 1 to {PROMPT_LIMIT}"
            f" characters{holding(found)}",
            remedy=(
                'Drop one short text, or add a file job.toml with the lines kind = "prompt" and'
                ' prompt = "what to make".'
            ),
        )
    if strange := next(
        (item for item in found if signatures.suffix(item.name) in pictures.NOT_TAKEN), None
    ):
        return InputRejected(
            f"{strange.name} is {pictures.NOT_TAKEN[signatures.suffix(strange.name)]}, which is not"
            " read",
            remedy=(
                "Save 20 to 60 sharp frames of it as pictures, each from a step beside the last,"
                " and drop these."
                if pictures.NOT_TAKEN[signatures.suffix(strange.name)] == "a film"
                else f"Save it as one of {pictures.TAKEN} and drop that."
            ),
        )
    packed = [
        item
        for item in found
        if item.name != item.file and signatures.suffix(item.name) in (".zip", ".tar")
    ]
    if packed:
        return InputRejected(
            f"{packed[0].name} is an archive inside an archive, and those are not opened",
            remedy="Unpack the outer one and drop what it holds.",
        )
    return InputRejected(
        f"nothing in the drop can be used{holding(found)}",
        remedy=(
            "Drop scan passes, a mesh, images or a short text; a file job.toml with a line such as"
            ' kind = "scan" says what it is.'
        ),
    )


def holding(found: list[Item]) -> str:
    """What is there, as the end of a sentence."""
    return f" (it holds {some([item.name for item in found])})" if found else " (it holds no files)"
