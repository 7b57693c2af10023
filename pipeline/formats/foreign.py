"""Models and scans in formats that are not read: by their suffix, what each is and who can say it
in a format that is."""

from __future__ import annotations

from pathlib import PurePosixPath

from pipeline.errors import InputRejected

_MESH = "Open it in Blender or the program it comes from, export it as GLB, OBJ or STL"
_SOLID = "Open it in a CAD program, FreeCAD for one, export it as STL, 3MF or OBJ"
_SCAN = "Open it in the scanner's own program, export it as E57, PLY or LAS"

_WORDS = (
    (
        _MESH,
        {
            "a COLLADA model": (".dae", ".zae"),
            "a 3D Studio model": (".3ds", ".prj"),
            "a 3ds Max scene": (".max", ".ase", ".ask"),
            "a DirectX model": (".x",),
            "a Blender scene": (".blend", ".blend1"),
            "an FBX model": (".fbx",),
            "a USD scene": (".usd", ".usda", ".usdc", ".usdz"),
            "a VRML or X3D scene": (".wrl", ".vrml", ".wrz", ".x3d", ".x3dv", ".x3db", ".x3dz"),
            "a LightWave or Modo model": (".lwo", ".lws", ".lxo"),
            "a Maya scene": (".ma", ".mb"),
            "a Cinema 4D scene": (".c4d",),
            "a SketchUp model": (".skp",),
            "a ZBrush model": (".ztl", ".zpr", ".goz"),
            "an AMF model": (".amf",),
            "a VRM figure, which is a GLB by another name": (".vrm",),
            "a model of a game": (
                *(".ms3d", ".md2", ".md3", ".mdc", ".mdl", ".md5mesh", ".md5anim", ".b3d", ".smd"),
                *(".vta", ".bsp", ".pk3", ".irr", ".irrmesh", ".cob", ".scn", ".q3o", ".q3s"),
                *(".ogex", ".mesh", ".pmx", ".pmd", ".iqm", ".xgl", ".zgl", ".ter", ".hmp"),
                *(".sib", ".ndo", ".3d", ".uc", ".m3", ".pbrt", ".assbin", ".pod", ".mview"),
            ),
            "an AC3D model": (".ac", ".acc", ".ac3d"),
            "a Neutral File Format scene": (".nff", ".enff"),
            "a motion without a body": (".bvh", ".csm"),
            "an OpenCTM model": (".ctm",),
            "a Draco model outside of a GLB": (".drc",),
            "an Alembic scene": (".abc",),
            "an OpenSceneGraph scene": (".osgb", ".osg", ".osgt", ".ive"),
            "an OpenFlight model": (".flt",),
            "a tile of a map": (".b3dm", ".i3dm", ".cmpt", ".slpk"),
            "a Nexus model": (".nxs", ".nxz"),
            "a Geomagic model": (".wrp",),
            "a model of voxels": (".vox", ".vxm", ".vdb", ".qb"),
            "slices of a body": (".dcm", ".nii", ".nrrd", ".mha"),
            "a project that refers to other files": (".mlp", ".aln", ".psx", ".rcproj"),
            "a VTK data set": (".vtk", ".vtp", ".vtu"),
            "a U3D or PRC model": (".u3d", ".prc"),
            "a drawing or mesh without a known reader here": (".raw", ".dxf", ".m3d", ".msh"),
        },
    ),
    (
        _SOLID,
        {
            "a STEP model": (".step", ".stp", ".stpz", ".p21"),
            "an IGES model": (".iges", ".igs"),
            "a building model (IFC)": (".ifc", ".ifczip"),
            "a model of a CAD program": (
                *(".dwg", ".sldprt", ".sldasm", ".ipt", ".iam", ".prt", ".asm", ".catpart", ".par"),
                *(".catproduct", ".x_t", ".x_b", ".sat", ".sab", ".jt", ".f3d", ".f3z", ".fcstd"),
                *(".3dm", ".rvt", ".rfa", ".dgn", ".brep", ".scad", ".shapr", ".3dxml", ".cgr"),
                *(".nwd", ".nwc", ".rvm"),
            ),
            "instructions for a printer": (".gcode", ".gco", ".bgcode", ".sl1", ".ctb"),
        },
    ),
    (
        _SCAN,
        {
            "a scan in its scanner's own format": (
                *(".fls", ".fws", ".zfs", ".rdbx", ".rxp", ".rsp", ".ptg", ".dp", ".zfc", ".3pi"),
                *(".rcp", ".rcs", ".imp", ".lgs", ".lgsx", ".cl3", ".clr", ".swl", ".iqscan"),
            ),
            "a CloudCompare project or the data of a glTF": (".bin", ".sbf"),
            "a cloud of a web viewer": (".pnts", ".copc", ".ept"),
            "a Record3D capture": (".r3d",),
            "a cloud of Gaussian splats": (".splat", ".ksplat", ".spz", ".sog"),
        },
    ),
)
_KNOWN = {
    suffix: (words, remedy)
    for remedy, kinds in _WORDS
    for words, suffixes in kinds.items()
    for suffix in suffixes
}
# a project of CloudCompare by its suffix alone could be anything, as could these
_VAGUE = frozenset(
    {
        *(".bin", ".asm", ".prt", ".raw", ".dp", ".x", ".mesh", ".imp", ".par", ".clr"),
        *(".3d", ".uc", ".m3", ".pod"),
    }
)


def words(name: str) -> str | None:
    """What the file NAME is, None where its suffix says nothing: "a COLLADA model"."""
    found = _KNOWN.get(PurePosixPath(name).suffix.lower())
    return found[0] if found else None


def is_model(name: str) -> bool:
    """Whether NAME alone says that it is a model or a scan, beyond doubt."""
    return words(name) is not None and PurePosixPath(name).suffix.lower() not in _VAGUE


def refusal(name: str) -> InputRejected:
    """NAME, of which ``words`` says something, by what it is and with who can help."""
    found, remedy = _KNOWN[PurePosixPath(name).suffix.lower()]
    if name.lower().endswith(".vrm"):
        remedy = "Change its suffix to .glb"
    return InputRejected(f"{name} is {found}, which is not read", remedy=f"{remedy} and drop that.")
