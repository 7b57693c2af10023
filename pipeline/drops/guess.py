"""What a drop is for that says nothing of itself: the first kind that its content fits."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.drops import unread
from pipeline.drops.choice import Choice
from pipeline.drops.in_doubt import in_doubt, in_doubt_of_archive, several_meshes
from pipeline.drops.item import (
    COLOUR_OR_DEPTH,
    IMAGE,
    MESH,
    POINTS,
    RANGE_IMAGE,
    Item,
    is_companion,
    of,
    without_masks,
)
from pipeline.drops.prompts import prompt
from pipeline.formats import foreign, frames, sides, signatures
from pipeline.formats.account import listed
from pipeline.formats.meshes import one_model

# meshes that can be a pass of a scan
SCAN_MESHES = frozenset({".ply", ".obj", ".stl", ".glb", ".off"})
# meshes that may have materials and textures in files of their own
REFERRING = frozenset({".obj", ".gltf", ".glb", ".ply"})
FEWEST_PHOTOS = 3  # of which a scan can be made
# such files, beside images
REFERRED = frozenset({".mtl", ".bin", ".ktx2", ".ktx", ".dds", ".tga", ".jp2", ".avif", ".heic"})


def guess(found: list[Item]) -> Choice:
    choice = scan(found) or convert(found)
    if choice is None and not _sides_are_said(found):
        _refuse_models(found)
    choice = choice or images(found) or photos(found) or prompt(found, guessing=True)
    if choice is None:
        raise in_doubt(found)
    return choice


def scan(found: list[Item]) -> Choice | None:
    points, meshes, pairs = of(found, POINTS), passes(found), _pairs(found)
    if not points and one_model([item.name for item in of(found, MESH)]):
        return None
    if pairs and all(_is_table(item) for item in points):
        beside = (
            item
            for item in found
            if item not in pairs and (is_companion(item.name) or frames.is_camera_text(item.name))
        )
        return Choice("scan", [*pairs, *beside])
    if points and len(meshes) == 1 and not _read_together(meshes[0], points):
        note = (
            f'{meshes[0].name} is a mesh beside scan passes and is not used; with kind = "scan" in'
            " job.toml it would be a pass"
        )
        return Choice("scan", points, [note])
    if points:
        return Choice("scan", [*points, *meshes])
    note = (
        f"{len(meshes)} meshes: taken as passes of one scan; to convert them, drop each in a folder"
        " of its own"
    )
    return Choice("scan", meshes, [note]) if len(meshes) >= 2 else None


def convert(found: list[Item]) -> Choice | None:
    meshes, notes = of(found, MESH), list[str]()
    if best := one_model([item.name for item in meshes]):
        others = [item.name for item in meshes if item.name != best]
        meshes = [item for item in meshes if item.name == best]
        notes = [f"{listed(others)} taken for the same model as {best}, in another format"]
    if len(meshes) != 1:
        return None
    # what of these it does not refer to, the reader says
    refers = signatures.suffix(meshes[0].name) in REFERRING
    beside = (
        [item for item in found if item.what == IMAGE or signatures.suffix(item.name) in REFERRED]
        if refers
        else []
    )
    return Choice("convert", [*meshes, *beside], notes)


def _sides_are_said(found: list[Item]) -> bool:
    images = of(found, IMAGE)
    return bool(images) and sides.all_say([item.name for item in images])


def _refuse_models(found: list[Item]) -> None:
    """Refuse several models, one of a format that is not read, and an archive that is not opened:
    pictures beside them that do not say which sides they show are textures, and texts are notes."""
    refusal = several_meshes(found)
    if refusal is None and (model := unread_model(found)):
        refusal = foreign.refusal(model)
    if refusal is None and of(found, IMAGE):
        refusal = in_doubt_of_archive(found)
    if refusal:
        raise refusal


def unread_model(found: list[Item]) -> str | None:
    """A model of a format that is not read, unless pictures beside it say which sides they show."""
    models = (item.name for item in found if foreign.is_model(item.name))
    return None if _sides_are_said(found) else next(models, None)


def images(found: list[Item]) -> Choice | None:
    images = of(found, IMAGE)
    one = len(images) == 1 or _sides_are_said(found)
    return Choice("images", images, unread.beside(images, found)) if one else None


def photos(found: list[Item]) -> Choice | None:
    every = of(found, IMAGE)
    images = without_masks(every)
    if len(images) < FEWEST_PHOTOS or any(
        COLOUR_OR_DEPTH.search(item.name) for item in found if item.what in (IMAGE, RANGE_IMAGE)
    ):
        return None
    if all(item.transparent for item in images):
        note = f"{len(images)} pictures with transparency: views of one object"
        return Choice("images", images, [note])
    cameras = {item.camera for item in images}
    by = f" by one camera ({cameras.pop()})" if len(cameras) == 1 and None not in cameras else ""
    aside = len(every) - len(images)
    beside = f" ({aside} masks go with them)" if aside else ""
    note = (
        f"{len(images)} pictures{by}{_not_views(images)}: photos of a scan{beside}; with"
        f' kind = "images" in job.toml they would be views of one object'
    )
    return Choice("scan", with_lists(every, found), [note, *unread.beside(images, found)])


def of_photos(choice: Choice) -> bool:
    """Whether CHOICE is a scan of photographs, and there are enough of them."""
    images = of(choice.used, IMAGE)
    beside = [item for item in choice.used if item.what != IMAGE]
    return (
        choice.kind == "scan"
        and len(without_masks(images)) >= FEWEST_PHOTOS
        and all(frames.goes_with_photos(item.name) for item in beside)
        and not frames.pairs([item.name for item in images])
    )


def _not_views(images: list[Item]) -> str:
    """Why pictures are no views of an object, though some may look like it."""
    seen = sides.seen([item.name for item in images])
    named = [] if seen.guess else [*seen.azimuths]
    clear = [item.name for item in images if item.transparent]
    some = [
        *([f"only {listed(named)} named by a side"] if named else []),
        *([f"only {listed(clear)} with transparency"] if clear else []),
    ]
    return ", " + ", ".join(some) if some else " without names of sides or transparency"


def with_lists(images: list[Item], found: Iterable[Item]) -> list[Item]:
    """IMAGES, and the lists of their places that were dropped with them."""
    return [*images, *(item for item in found if frames.goes_with_photos(item.name))]


def passes(found: Iterable[Item]) -> list[Item]:
    return [item for item in of(found, MESH) if signatures.suffix(item.name) in SCAN_MESHES]


def _read_together(mesh: Item, points: Iterable[Item]) -> bool:
    """Archives are read as a whole: a mesh in one that holds passes is a pass, too."""
    return mesh.name != mesh.file and any(item.file == mesh.file for item in points)


def _is_table(item: Item) -> bool:
    return signatures.suffix(item.name) in (".txt", ".csv")


def _pairs(found: Iterable[Item]) -> list[Item]:
    """Colour and depth images that belong together, with their maps of confidence."""
    images = {item.name: item for item in found if item.what in (IMAGE, RANGE_IMAGE)}
    return [images[name] for frame in frames.pairs(images) for name in frame[1:] if name]
