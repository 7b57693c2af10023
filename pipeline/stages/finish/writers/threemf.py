"""3MF core: millimetres, Z up; one welded mesh. Written here because the entries must carry no time
and no random id."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.stages.finish._model import Model

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
</Types>
"""
RELATIONS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rel0" Target="/3D/3dmodel.model" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>
</Relationships>
"""


def write(model: Model, path: Path) -> None:
    """Write MODEL, which stands in Z-up millimetres, to PATH."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (
            ("[Content_Types].xml", TYPES),
            ("_rels/.rels", RELATIONS),
            ("3D/3dmodel.model", _document(model)),
        ):
            entry = zipfile.ZipInfo(name)  # its time is 1980: the bytes depend on the model alone
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)


def _document(model: Model) -> str:
    surface = model.surface
    vertices = "".join(
        map('<vertex x="{:.6f}" y="{:.6f}" z="{:.6f}"/>\n'.format, *surface.vertices.T.tolist())
    )
    triangles = "".join(
        map('<triangle v1="{}" v2="{}" v3="{}"/>\n'.format, *surface.faces.T.tolist())
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<model unit="millimeter" xml:lang="en-US"'
        f' xmlns="{CORE}">\n<metadata name="Application">inbox3d</metadata>\n<resources>\n'
        '<object id="1" name="model" type="model">\n'
        f"<mesh>\n<vertices>\n{vertices}</vertices>\n<triangles>\n{triangles}</triangles>\n</mesh>\n"
        '</object>\n</resources>\n<build>\n<item objectid="1"/>\n</build>\n</model>\n'
    )
