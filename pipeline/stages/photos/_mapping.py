"""Where photographs were taken: SIFT features, their matches, and incremental mapping (library:
pycolmap, on the CPU).

The same photographs give the same cameras, with one thread or several: names are entered in order
before features are sought, because the finder numbers photographs in the order it finishes them.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.stages.photos import _masks, _pairs, _spot
from pipeline.stages.photos._pictures import Photo
from pipeline.workspace import Workspace

FEATURES, FEWEST_FEATURES = 8192, 60  # of a photograph
SIFT_EDGE = 1600  # pixels of the longer edge in which features are sought
SEED = 1


class Mapped(NamedTuple):
    """models: pycolmap reconstructions, the largest first, image names as in the folder; features
    and matches: what was found in each photograph, and verified between two; turned: photographs
    that hang together, but were taken from one spot."""

    models: list[Any]
    features: dict[str, int]
    matches: dict[tuple[str, str], int]
    turned: frozenset[str] = frozenset()


def map_photos(photos: Sequence[Photo], ws: Workspace, threads: int) -> Mapped:
    """Reconstruct all groups of at least three photographs that hang together."""
    import pycolmap

    folder, database = ws.path("photos/copies/x").parent, ws.path("photos/features.db")
    database.unlink(missing_ok=True)
    # the importer wants a database that is there
    pycolmap.Database.open(database).close()
    pycolmap.set_random_seed(SEED)
    _enter(photos, folder, database)
    ws.progress(0.12, "seeking features")
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.num_threads, extraction.max_image_size, extraction.use_gpu = (
        threads,
        SIFT_EDGE,
        False,
    )
    extraction.sift.max_num_features = FEATURES
    names = [Path(photo.copy).name for photo in photos]
    reading = pycolmap.ImageReaderOptions()
    if any(photo.mask for photo in photos):
        reading.mask_path = ws.path("photos/masks/x").parent
        _masks.whole(((one.copy, one.size) for one in photos if not one.mask), ws)
    pycolmap.extract_features(
        database,
        folder,
        image_names=names,
        reader_options=reading,
        extraction_options=extraction,
        device=pycolmap.Device.cpu,
    )
    ws.progress(0.35, "comparing photographs")
    _match(names, database, ws, threads)
    ws.progress(0.75, "placing cameras")
    models = _incremental(database, folder, ws.path("photos/models/x").parent)
    called = {Path(photo.copy).name: photo.name for photo in photos}
    sound, turned = _with_depth(models, database, names)
    return Mapped(sound, *_counts(database, called), frozenset(called[name] for name in turned))


def without(
    mapped: Mapped, photos: Sequence[Photo], copies: Collection[str], ws: Workspace
) -> Mapped:
    """MAPPED with its cameras placed anew without COPIES of other photographs: a lens is taken for
    looking where its picture's middle is, so that a part of one bends the places of all. As it was
    where fewer find a place then."""
    database = ws.path("photos/features.db")
    names = [Path(photo.copy).name for photo in photos if photo.name not in copies]
    models = _incremental(
        database, ws.path("photos/copies/x").parent, ws.path("photos/models/x").parent, names
    )
    sound, _ = _with_depth(models, database, names)
    fewest = mapped.models[0].num_reg_images() - len(copies)
    if not sound or sound[0].num_reg_images() < fewest:
        return mapped
    return mapped._replace(models=sound)


def _with_depth(
    models: list[Any], database: Path, names: Sequence[str]
) -> tuple[list[Any], set[str]]:
    """Those of MODELS for which somebody walked; and the photographs of the others. Where there is
    no model at all, all NAMES are asked."""
    if not models:
        return [], set(names) if _spot.from_one_spot(database, names) else set()
    sound, turned = [], set[str]()
    for model in models:
        inside = {image.name for image in model.images.values() if image.has_pose}
        if _spot.from_one_spot(database, inside):
            turned |= inside
        else:
            sound.append(model)
    return sound, turned


def _enter(photos: Sequence[Photo], folder: Path, database: Path) -> None:
    """One camera for each kind of photograph, begun at the focal length that EXIF tells."""
    import pycolmap

    kinds: dict[tuple[Any, ...], list[Photo]] = {}
    for photo in photos:
        kinds.setdefault(photo.kind, []).append(photo)
    for alike in kinds.values():
        options = pycolmap.ImageReaderOptions()
        options.camera_model = "SIMPLE_RADIAL"
        width, height = alike[0].size
        if alike[0].focal:
            options.camera_params = f"{alike[0].focal},{width / 2},{height / 2},0"
        pycolmap.import_images(
            database,
            folder,
            camera_mode=pycolmap.CameraMode.SINGLE,
            image_names=[Path(photo.copy).name for photo in alike],
            options=options,
        )


def _match(names: Sequence[str], database: Path, ws: Workspace, threads: int) -> None:
    import pycolmap

    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads, matching.use_gpu = threads, False
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = SEED
    pairs = ws.path("photos/pairs.txt")
    pairs.write_text("".join(f"{a} {b}\n" for a, b in _pairs.worth_comparing(names, database)))
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = pairs
    pycolmap.match_image_pairs(
        database,
        matching_options=matching,
        pairing_options=pairing,
        verification_options=verification,
        device=pycolmap.Device.cpu,
    )


def _incremental(
    database: Path, folder: Path, models: Path, names: Sequence[str] = ()
) -> list[Any]:
    """All groups that hang together; of NAMES alone, where there are any."""
    import pycolmap

    shutil.rmtree(models, ignore_errors=True)
    models.mkdir(parents=True)
    options = pycolmap.IncrementalPipelineOptions()
    # several threads would add up in the order in which they end: never the same bytes twice
    options.num_threads = options.mapper.num_threads = 1
    options.random_seed = options.mapper.random_seed = options.triangulation.random_seed = SEED
    options.min_model_size, options.extract_colors = 3, False
    options.image_names = list(names)
    found = pycolmap.incremental_mapping(database, folder, models, options=options).values()
    return sorted(found, key=lambda model: (-model.num_reg_images(), -model.num_points3D()))


def _counts(
    database: Path, called: dict[str, str]
) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    import pycolmap

    opened = pycolmap.Database.open(database)
    try:
        name = {image.image_id: called[image.name] for image in opened.read_all_images()}
        features = {name[k]: opened.num_keypoints_for_image(k) for k in name}
        pairs, counts = opened.read_two_view_geometry_num_inliers()
        matches = {
            _sorted(name[a], name[b]): int(count)
            for (a, b), count in zip(
                map(pycolmap.pair_id_to_image_pair, pairs), counts, strict=True
            )
            if count
        }
    finally:
        opened.close()
    return features, matches


def _sorted(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)
