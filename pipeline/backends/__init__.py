"""Backends: what makes views, and what makes a mesh from views.

A third party adds one by an entry point in the group ``inbox3d.backends`` that names a class
without arguments, see docs/extending.md.
"""

from pipeline.backends.choosing import (
    GROUP,
    OWN,
    choose,
    loaded_by,
    names,
    passed_over,
    reconstructor,
)
from pipeline.backends.protocol import Effort, Picture, Reconstruction, Reconstructor

__all__ = [
    "GROUP",
    "OWN",
    "Effort",
    "Picture",
    "Reconstruction",
    "Reconstructor",
    "choose",
    "loaded_by",
    "names",
    "passed_over",
    "reconstructor",
]
