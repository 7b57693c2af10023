"""Placed frames of depth cameras → pictures whose cameras are known, for the texture."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Alignment, PosedPicture, PosedPictures, Scans
from pipeline.geometry import rigid
from pipeline.kept.options import Declared
from pipeline.workspace import StageWorkspace


def run(
    scans: Scans,
    alignment: Alignment,
    photographs: PosedPictures | None,
    ws: StageWorkspace[Declared],
) -> PosedPictures:
    """One PosedPicture per placed pass that has a picture: pose from the common frame, in the
    drop's unit, to the camera (x right, y down, z ahead). Other scans keep what they have."""
    shown = {one.name: one for one in scans.passes if one.picture is not None}
    if not shown:
        return photographs or PosedPictures(pictures=())
    return PosedPictures(
        pictures=tuple(
            PosedPicture(
                image=shown[one.name].picture or "",
                camera=shown[one.name].camera or (1.0, 1.0, 0.0, 0.0),
                pose=rigid.to_matrix(rigid.invert(np.asarray(one.pose))),
            )
            for one in alignment.passes
            if one.pose is not None and one.name in shown
        )
    )
