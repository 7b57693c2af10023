"""Is a folder in inbox/ one of ours, by what lies in it: a job that a person dragged there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from layout import names, tree

FILE, FOLDER = "file", "folder"
_OWN_FOLDERS = frozenset({tree.INPUT, tree.OUTPUT, tree.WORK, tree.EARLIER})
_OWN = _OWN_FOLDERS | {tree.JOB, *tree.OF_ONE_RUN}
_EARLIER = re.compile(
    rf"{tree.EARLIER}/\d+/(?:{'|'.join(map(re.escape, (tree.JOB, *tree.OF_ONE_RUN)))})"
)


def is_own(name: str, kinds: Mapping[str, str]) -> bool:
    if kinds.get(f"{tree.OUTPUT}/{tree.CHECKSUMS}") == FILE:
        return _is_ours(kinds) or tree.INPUT in kinds
    own = {
        path
        for path in kinds
        if path in _OWN and kinds[path] == (FOLDER if path in _OWN_FOLDERS else FILE)
    }
    if tree.INPUT not in own:
        return names.named(name) is not None and bool(own) and _is_ours(kinds)
    if names.named(name) is not None and (own != {tree.INPUT} or _is_ours(kinds)):
        return True
    if own & {tree.JOB, tree.ERROR, tree.PROGRESS} or any(
        _EARLIER.fullmatch(path) for path in kinds
    ):
        return True
    return bool(own & {tree.LOG, tree.ERROR_TEXT}) and _is_ours(kinds)


def _is_ours(kinds: Mapping[str, str]) -> bool:
    """Does nothing stand at the top but what a job's folder has, and what a person is told to put
    beside it?"""
    top = (path for path in kinds if "/" not in path)
    return all(
        path in _OWN or path.lower() in tree.MARKERS or tree.is_job_toml(path) for path in top
    )
