"""Model files: what we know, what lies in the local models folder, and whether it may be used.
Safetensors only, never a pickle.

One folder per model: ``model.safetensors`` beside ``model.json`` (network, sizes, SHA-256, origin),
or a diffusers folder with its ``model_index.json`` and the checksums of its files in
``model.json``. The folder is a disposable cache. Looking needs no library, so a missing or broken
file is named when a job is submitted.
"""

from pipeline.weights.catalogue import (
    ALWAYS,
    FACTS,
    FLUX,
    INDEX,
    KLEIN,
    KNOWN,
    MATTING,
    WEIGHTS,
    ZERO123PLUS,
    Known,
    remedy,
)
from pipeline.weights.folder import (
    backends,
    broken,
    components,
    fingerprint,
    known_backends,
    problem,
    require,
)
from pipeline.weights.importing import import_model
from pipeline.weights.listing import Row, listing, verify
from pipeline.weights.pulling import pull
from pipeline.weights.record import facts, stamp

__all__ = [
    "ALWAYS",
    "FACTS",
    "FLUX",
    "INDEX",
    "KLEIN",
    "KNOWN",
    "MATTING",
    "WEIGHTS",
    "ZERO123PLUS",
    "Known",
    "Row",
    "backends",
    "broken",
    "components",
    "facts",
    "fingerprint",
    "import_model",
    "known_backends",
    "listing",
    "problem",
    "pull",
    "remedy",
    "require",
    "stamp",
    "verify",
]
