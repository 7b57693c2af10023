"""What a 3MF model declares beside meshes and colours: named, for it is not read."""

from __future__ import annotations

import posixpath
from typing import Any

from pipeline.formats.account import Account

# Namespaces whose elements are read, or say nothing about shape and colour.
KNOWN = ("core/2015/02", "production/2015/06", "material/2015/02")


def others(node: Any, account: Account) -> None:
    """What makes an object besides a mesh and components: shapes of extensions, and slices."""
    from lxml import etree

    for child in node.iterchildren(etree.Element):
        if (what := etree.QName(child).localname) not in ("mesh", "components", "metadatagroup"):
            account.declare("part", f"the {what[:40]} of an object")
    sliced = any(key.endswith("slicestackid") for key in node.attrib)
    if sliced and node.find(".//{*}triangle") is None:
        account.declare("part", "a body of slices")


def extensions(root: Any, account: Account) -> None:
    for prefix in (root.get("requiredextensions") or "").split():
        address = root.nsmap.get(prefix, prefix)
        if not address.endswith(KNOWN):
            account.declare(
                "extension",
                "the required 3MF extension"
                f" {posixpath.basename(address.rpartition('/20')[0] or address)}",
            )
