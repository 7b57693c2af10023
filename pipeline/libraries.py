"""Where the modules of this interpreter lie."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

PACKAGES = ("site-packages", "dist-packages")


def folders() -> list[Path]:
    """The interpreter's own, this source, and what else modules come from: packages that
    ``pip install --user`` put into the home, and the folders of PYTHONPATH.

    Not all of ``sys.path``: ``python -m`` puts the working folder there. Nor a folder that holds a
    home or the whole system: what native parsers may read must not come to that by a stray colon.
    """
    named = {path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}
    further = {path for path in sys.path if path in named or Path(path).name in PACKAGES}
    own = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[1]]
    found = [path for path in map(Path, sorted(further)) if not _home().is_relative_to(path)]
    return [*own, *found]


def _home() -> Path:
    """Of this process's account; the environment's HOME may be a job's."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")
