"""The pages that are written from the code: docs/jobs.md, docs/errors.md, the tables in other
pages, THIRD_PARTY.md.

usage: python -m tools.pages [--write]      Without --write: name the pages that are out of date,
and the stages that are not recorded as they stand (tools/stage_versions.py); exit 1 if there are
any.
"""

from __future__ import annotations

import sys
from pathlib import Path

from layout.backup import filter_file
from tools import stage_versions, third_party
from tools.blocks import BLOCKS
from tools.errors_page import errors_page
from tools.installed import ROOT
from tools.jobs_page import jobs_page


def with_block(text: str, name: str, block: str) -> str:
    """TEXT with what stands between <!-- name --> and <!-- /name --> replaced."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n\n{block}\n{end}{after}"


def written() -> dict[Path, str]:
    """Every page that our own code has a part in, as it should read now."""
    found = {
        ROOT / "deploy/backup/atlas.filter": filter_file(),
        ROOT / "docs/jobs.md": jobs_page(),
        ROOT / "docs/errors.md": errors_page(),
    }
    for name, (path, block) in BLOCKS.items():
        found[ROOT / path] = with_block(
            found.get(ROOT / path) or (ROOT / path).read_text(), name, block()
        )
    return found


def pages() -> dict[Path, str]:
    """These, and the one that the metadata of everything installed has a part in."""
    return written() | {third_party.FILE: third_party.page()}


def main() -> int:
    stale = [
        (path, text)
        for path, text in pages().items()
        if not path.exists() or path.read_text() != text
    ]
    for path, text in stale:
        if "--write" in sys.argv:
            path.write_text(text)
        print(
            ("written: " if "--write" in sys.argv else "out of date, run `make docs`: ")
            + str(path.relative_to(ROOT))
        )
    unsaid = stage_versions.unsaid(stage_versions.recorded(), stage_versions.now())
    for line in unsaid:
        print(line)
    return int(bool(stale or unsaid) and "--write" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
