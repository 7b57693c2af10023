"""USDZ by usd-core: metres, Y up, UsdPreviewSurface with the texture, or vertex colours as
displayColor."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatUnavailable
from pipeline.geometry.colour import to_linear
from pipeline.stages.finish._model import GREY, Model

ALIGNED, FILLER_ID, LOCAL_HEADER = 64, 0x1986, 30


def available() -> bool:
    """Whether this host can write USDZ."""
    return importlib.util.find_spec("pxr") is not None


def write(model: Model, path: Path) -> None:
    """Write MODEL, which stands in Y-up metres, to PATH. Raises FormatUnavailable without
    usd-core."""
    if not available():
        raise FormatUnavailable(
            "USDZ needs usd-core, and it is not installed on this host",
            remedy="pip install usd-core",
        )
    with tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
        layer = Path(folder) / "model.usdc"
        textured = model.surface.uv is not None and model.image is not None
        if textured and model.image is not None:
            shutil.copyfile(model.image, Path(folder) / "model.png")
        _stage(model, layer, textured)
        _pack(path, [layer, *([Path(folder) / "model.png"] if textured else [])])


def _pack(path: Path, parts: list[Path]) -> None:
    """A USDZ is a zip that stores its parts as they are, each beginning at a multiple of 64 bytes.
    Written here, not by usd-core, because that puts today's date in."""
    offset = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for part in parts:
            entry, data = zipfile.ZipInfo(part.name), part.read_bytes()  # its time is 1980
            begins = offset + LOCAL_HEADER + len(part.name) + 4
            filler = -begins % ALIGNED
            entry.extra = struct.pack("<HH", FILLER_ID, filler) + bytes(filler)
            archive.writestr(entry, data)
            offset = begins + filler + len(data)


def _stage(model: Model, layer: Path, textured: bool) -> None:
    from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, Vt

    surface = model.surface
    stage = Usd.Stage.CreateNew(str(layer))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    root = UsdGeom.Xform.Define(stage, "/model")
    stage.SetDefaultPrim(root.GetPrim())
    mesh = UsdGeom.Mesh.Define(stage, "/model/surface")
    points = surface.vertices.astype(np.float32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(surface.faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(
        Vt.IntArray.FromNumpy(np.ascontiguousarray(surface.faces.ravel(), np.int32))
    )
    mesh.CreateExtentAttr(
        [Gf.Vec3f(*points.min(axis=0).tolist()), Gf.Vec3f(*points.max(axis=0).tolist())]
    )
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(True)
    if surface.normals is not None:
        mesh.CreateNormalsAttr(
            Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(surface.normals, np.float32))
        )
        mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    variables = UsdGeom.PrimvarsAPI(mesh)
    if textured:
        uv = variables.CreatePrimvar(
            "st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex
        )
        uv.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(surface.uv, np.float32)))
    elif surface.colors is not None:
        color = variables.CreatePrimvar(
            "displayColor", Sdf.ValueTypeNames.Color3fArray, UsdGeom.Tokens.vertex
        )
        color.Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(to_linear(surface.colors))))
    material = _material(stage, textured, surface.colors is not None)
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
    stage.GetRootLayer().Save()


def _material(stage: Any, textured: bool, colored: bool) -> Any:
    from pxr import Gf, Sdf, UsdShade

    material = UsdShade.Material.Define(stage, "/model/material")
    shader = UsdShade.Shader.Define(stage, "/model/material/preview")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.8)
    shader.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(0.0)
    diffuse = shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f)
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    if not textured and not colored:
        diffuse.Set(Gf.Vec3f(GREY, GREY, GREY))
        return material
    reader = UsdShade.Shader.Define(stage, "/model/material/reader")
    reader.CreateIdAttr("UsdPrimvarReader_float2" if textured else "UsdPrimvarReader_float3")
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set(
        "st" if textured else "displayColor"
    )
    if not textured:
        reader.CreateOutput("result", Sdf.ValueTypeNames.Float3)
        diffuse.ConnectToSource(reader.ConnectableAPI(), "result")
        return material
    reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    image = UsdShade.Shader.Define(stage, "/model/material/texture")
    image.CreateIdAttr("UsdUVTexture")
    image.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("model.png")
    image.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    for axis in ("wrapS", "wrapT"):
        image.CreateInput(axis, Sdf.ValueTypeNames.Token).Set("clamp")
    image.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(
        reader.ConnectableAPI(), "result"
    )
    image.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    diffuse.ConnectToSource(image.ConnectableAPI(), "rgb")
    return material


def read(path: Path) -> dict[str, Any]:
    """faces, bounds, uv, image of a USDZ as usd-core opens it."""
    import io

    from PIL import Image
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.Open(str(path))
    scale = UsdGeom.GetStageMetersPerUnit(stage)
    meshes = [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    points = np.concatenate([np.asarray(mesh.GetPointsAttr().Get()) for mesh in meshes]) * scale
    image = None
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".png"):
                with Image.open(io.BytesIO(archive.read(name))) as opened:
                    image = opened.size
    return {
        "faces": sum(len(mesh.GetFaceVertexCountsAttr().Get()) for mesh in meshes),
        "bounds": [points.min(axis=0), points.max(axis=0)],
        "uv": any(UsdGeom.PrimvarsAPI(mesh).HasPrimvar("st") for mesh in meshes),
        "image": image,
    }
