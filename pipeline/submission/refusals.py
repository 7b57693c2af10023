"""What is never copied into the tree: links, names that no other system can spell, and the tree's
own folders; and the tree that takes nothing yet, for it came back from a backup."""

from __future__ import annotations

from pathlib import Path

from layout import dropped, walk
from layout.disk import OWN
from layout.init import came_back
from layout.tree import Atlas
from pipeline.errors import SubmitRefused


class Restored(SubmitRefused):
    """The tree was restored, copied or moved to another disk: its waiting jobs would be taken for
    copies."""

    who = "operator"


def refuse_restored(atlas: Atlas) -> None:
    """Restored where `inbox3d init --restored` was forgotten."""
    if came_back(atlas):
        raise Restored(
            f"{atlas.root} was restored, copied or moved to another disk.",
            remedy=f"Stop every `up` on it, then: inbox3d init {atlas.root} --restored",
        )


def refuse_own(atlas: Atlas, source: Path) -> None:
    """SubmitRefused where SOURCE is no drop of anybody's but the tree's own, or waits in it
    already."""
    real, root = source.resolve(), atlas.root.resolve()
    folders = [root / folder.relative_to(atlas.root) for folder in atlas.folders()]
    if root.is_relative_to(real) or real in folders or real.is_relative_to(root / OWN):
        raise SubmitRefused(
            f"{source} is, or holds, a folder of the tree itself.",
            remedy="Name the one file or folder that is to become a model.",
        )
    for state in (atlas.inbox, atlas.claimed, atlas.processing):
        if real.is_relative_to(root / state.name):
            raise SubmitRefused(
                f"{source} lies in {state.name}/ and is worked on by itself.",
                remedy=f"Follow it: inbox3d jobs --atlas {atlas.root}; `inbox3d up` serves it.",
            )


def refuse_links(source: Path) -> None:
    """SubmitRefused, by name, where SOURCE or something in it is not a plain file or folder, or is
    deeper than a drop may be."""
    ahead = [source]
    while ahead:
        path = ahead.pop()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise SubmitRefused(
                f"{path.name} is a link or a device.", remedy="Drop the files themselves."
            )
        if dropped.printable(path.name) != path.name:
            raise SubmitRefused(
                f"{dropped.printable(path.name)} has a name that is not UTF-8.",
                remedy="Rename it.",
            )
        if path != source and (words := walk.beyond(path.relative_to(source).as_posix())):
            raise SubmitRefused(
                f"{source.name} {words}.",
                remedy="Take the folder that repeats or goes too deep out.",
            )
        ahead += path.iterdir() if path.is_dir() else ()
