"""Files whose names say another format than they hold, and formats that are told by what they are."""

from __future__ import annotations

import gzip
import io
import zipfile

from tests.support.meshfiles import (
    model_3mf,
    obj,
    off,
    ply,
    prism_3mf,
    prism_gltf,
    stl,
    stl_text,
    threemf,
)
from tests.support.odd.meshes import HALF, Case, V
from tests.support.odd.packages import LOOSE, SMALL, address
from tests.support.odd.scans import COUNT, ECHO, FLAT, HERE, PLAIN, POINTS, table
from tests.support.scanfiles import binary_ply, las, pcd


def told(name: str, data: bytes, refused: str) -> Case:
    return {name: data}, {"refused": refused}


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def foreign(start: str) -> bytes:
    return (start + "\n" * 8 + "0 0 0\n" * 40).encode()


WHOLE = LOOSE.gltf(address(LOOSE.blob, "application/octet-stream"))
STEP = "ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('{}'));\nENDSEC;"
PTX = "{}\n16\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
SPREAD: dict[str, Case] = {
    **{f"{name} holds {what}": told(name, data, refused) for name, data, what, refused in (
        ("a.obj", stl_text(), "STL", "an STL model"), ("a.obj", off(), "OFF", "an OFF model"), ("a.obj", WHOLE, "glTF", "a glTF model"),
        ("a.obj", ply(), "PLY", "a PLY file"), ("a.stl", obj(), "OBJ", "an OBJ model"), ("a.stl", ply(), "PLY", "a PLY file"),
        ("a.stl", ply("binary_little_endian"), "binary PLY", "a PLY file"), ("a.stl", off(), "OFF", "an OFF model"),
        ("a.stl", prism_gltf().glb(), "GLB", "a GLB model"), ("a.stl", threemf(model_3mf(prism_3mf())), "3MF", "a zip archive"),
        ("a.off", obj(), "OBJ", "an OBJ model"), ("a.off", ply(), "PLY", "a PLY file"), ("a.ply", obj(), "OBJ", "an OBJ model"),
        ("a.ply", stl(), "STL", "PLY header"), ("a.glb", WHOLE, "glTF", "a glTF model as text"), ("a.gltf", prism_gltf().glb(), "GLB", "a GLB model"),
        ("a.glb", obj(), "OBJ", "an OBJ model"), ("a.3mf", model_3mf(prism_3mf()).encode(), "its own inside", "the inside of a 3MF"),
        ("a.xyz", obj(), "OBJ", "an OBJ model"), ("a.xyz", las(POINTS), "LAS", "a LAS file"), ("a.ptx", PLAIN.encode(), "XYZ", "PTX header"))},
    **{f"{name} holds a foreign text {refused}": told(name, foreign(start), refused) for name, start, refused in (
        ("a.stl", STEP.format("AP214"), "a STEP model"), ("a.obj", STEP.format("IFC4"), "building model"), ("a.obj", "<?xml version='1.0'?><COLLADA>", "a COLLADA model"),
        ("a.stl", "<?xml version='1.0'?><amf>", "an AMF model"), ("a.obj", "#VRML V2.0 utf8", "VRML"), ("a.obj", "; FBX 7.4.0 project file", "an FBX model"),
        ("a.obj", "  0\nSECTION\n  2\nHEADER", "a drawing"), ("a.obj", "#usda 1.0", "a USD scene"), ("a.obj", "BLENDER-v300", "a Blender scene"), ("a.off", "# vtk DataFile Version 3.0", "a VTK"))},
    **{f"a lone {name}": told(name, b"\1\2\3" * 99, refused) for name, refused in (
        ("a.osgb", "OpenSceneGraph"), ("a.b3dm", "a tile of a map"), ("a.vox", "voxels"), ("a.r3d", "Record3D"), ("a.mlp", "refers to other files"), ("a.3dxml", "CAD program"))},
    "a lone PPM": told("front.ppm", b"P6 2 2 255\n" + bytes(12), "a PGM or PPM image, which is not read"),
    **{f"a file without suffix that holds {refused}": told("model", data, refused) for data, refused in (
        (prism_gltf().glb(), "a GLB model"), (stl(), "an STL model"), (obj(), "an OBJ model"), (ply("binary_little_endian"), "a PLY file"), (las(POINTS), "a LAS file"))},
    "a model in two formats": ({"a.obj": obj(), "a.stl": stl()}, V | {"says": "a.stl taken for the same model as a.obj"}),
    "a model in four formats, packed": ({"m.zip": zipped({"x/A.glb": prism_gltf().glb(), "x/a.obj": obj(), "x/a.stl": stl(), "x/a.ply": ply()})}, SMALL | {"says": "same model as m.zip/x/A.glb"}),
    **{f"two models of {what}": (files, {"refused": "several meshes that cannot be passes"}) for what, files in (
        ("glTF, one loose", {"x/a.gltf": LOOSE.gltf("a.bin"), "x/a.bin": LOOSE.blob, "y/a.gltf": WHOLE}),
        ("3MF and their pictures", {f"{k}.3mf": threemf(model_3mf(prism_3mf())) for k in "ab"} | {f"t{k}.png": HALF for k in "123"}))},
    "a model packed twice, its textures beside": ({"m.zip": zipped({"source/m.zip": zipped({"a.obj": obj()}), "textures/t.png": HALF})}, {"refused": "source/m.zip is an archive inside an archive"}),
    "a RAR and a texture": ({"m.rar": b"Rar!\x1a\x07\0" + bytes(60), "t.png": HALF}, {"refused": "m.rar is a RAR archive, which is not opened"}),
    "a lone 7z": told("m.7z", b"7z\xbc\xaf\x27\x1c" + bytes(60), "a 7z archive, which is not opened"),
    "an OBJ packed by gzip": ({"a.obj.gz": gzip.compress(obj())}, V | {"quiet": True}),
    "a .xyz that holds PLY": ({"a.xyz": binary_ply(FLAT)}, HERE),
    "a .txt that holds PCD": ({"a.txt": pcd(FLAT, "ascii")}, HERE),
    "a .pts that holds PTX": ({"a.pts": (PTX.format(COUNT // 16) + table(POINTS, ECHO / 4096)).encode()}, HERE),
    "a header of PLY that makes no sense": told("a.ply", ply().replace(b"ascii 1.0", b"binary_host 1.0"), "format binary_host"),
    "a .glb that says its version alone": told("a.glb", b"glTF\1\0\0\0\x18\0\0\0\4\0\0\0\0\0\0\0{}  ", "version 1"),
    "glTF 1.0 that does not say so": told("a.gltf", b'{"meshes": {"m": {}}, "asset": {}, "nodes": {}}', "version 1.0"),
    "text of glTF in UTF-16": ({"a.gltf": WHOLE.decode().encode("utf-16")}, SMALL),
}  # fmt: skip
