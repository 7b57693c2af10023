"""Which model a text is, whatever its name says: OBJ, STL, OFF, glTF, those of other programs."""

from __future__ import annotations

import re

from pipeline.formats import foreign, off, stl

_OWN = {
    ".obj": "an OBJ model",
    ".stl": "an STL model as text",
    ".off": "an OFF model",
    ".gltf": "a glTF model as text",
    ".model": "the inside of a 3MF package",
    ".ifc": "a building model (IFC)",
}
_XML = (
    (b"<collada", ".dae"),
    (b"<x3d", ".x3d"),
    (b"<amf", ".amf"),
    (b"<vtkfile", ".vtu"),
    (b"3dmanufacturing", ".model"),
)
_STARTS = (
    (b"iso-10303-21", ".step"),
    (b"#vrml", ".wrl"),
    (b"#x3d", ".x3d"),
    (b"#usda", ".usda"),
    (b"; fbx", ".fbx"),
    (b"ac3d", ".ac"),
    (b"*3dsmax_asciiexport", ".ase"),
    (b"# vtk datafile", ".vtk"),
)
_VERTICES = re.compile(rb"(?:^|[\r\n])[ \t]*v(?:[ \t]+[-+.\dnia]\S*){3}")
_NO_OBJ = re.compile(rb"(?:^|[\r\n])[ \t]*(?:vertex|facet|property|end_header)\b", re.I)
_DXF = re.compile(rb"(?:999[^\r\n]*\r?\n[^\r\n]*\r?\n)?\s*0\s*\r?\n\s*section\b", re.I)


def suffix_of(head: bytes) -> str | None:
    """The suffix that a text of HEAD should have, None where it is no model or cannot be told."""
    plain = stl.letters(head).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    start = plain[:4096].lower()
    for word, found in _STARTS:
        if start.startswith(word):
            return ".ifc" if found == ".step" and b"'ifc" in start else found
    if start.startswith(b"<"):
        return next((found for word, found in _XML if word in start), None)
    if start.startswith(b"{"):
        return ".gltf" if b'"asset"' in plain and b'"meshes"' in plain else None
    if stl.begins(plain) and re.search(rb"\bfacet\b", plain, re.I):
        return ".stl"
    if re.match(rb"[^\d\s]*off\b", start) and off.read(plain) is not None:
        return ".off"
    if _DXF.match(start):
        return ".dxf"
    few = _VERTICES.findall(plain[:16384])
    return ".obj" if len(few) >= 3 and not _NO_OBJ.search(plain[:16384]) else None


def words(suffix: str) -> str | None:
    """What a model of SUFFIX is called."""
    return _OWN.get(suffix) or foreign.words(f"a{suffix}")
