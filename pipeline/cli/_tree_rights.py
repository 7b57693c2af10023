"""What doctor looks at in the tree's rights: what people may do, and whether the pipeline may read
its own files."""

from __future__ import annotations

import shutil

from layout import ownership
from layout.tree import Atlas
from pipeline.cli._finding import Finding


def rights_findings(atlas: Atlas) -> list[Finding]:
    owner = atlas.pipeline.lstat()
    wrong = [*ownership.misfits(atlas), *_closed(atlas)]
    findings = [Finding("wrong", "rights", what, remedy) for what, remedy in wrong]
    if (group := ownership.shut_out("www-data", owner)) and shutil.which("nginx"):
        findings.append(
            Finding(
                "missing",
                "nginx",
                f"www-data is not in the group {group}: it cannot send finished files",
                f"usermod -aG {group} www-data, then restart nginx",
            )
        )
    return findings or [Finding("fine", "rights", f"the tree is {ownership.called(owner)}")]


def _closed(atlas: Atlas) -> list[tuple[str, str]]:
    """Settings and secrets that the tree's owner may not read."""
    owner = atlas.pipeline.lstat()
    found = [
        (path, atlas.disk.lstat(path))
        for path in (atlas.config_file, atlas.keys_file, atlas.signing_file)
    ]
    return [
        (
            f"{path.name} belongs to {ownership.called(there)} and is closed to the owner",
            f"chown {ownership.called(owner)} {path}",
        )
        for path, there in found
        if there and there.st_uid != owner.st_uid and not there.st_mode & 0o004
    ]
