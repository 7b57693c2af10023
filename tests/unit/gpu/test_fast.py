"""What is faster on a GPU is off on the CPU, and does not change what a network means."""

from __future__ import annotations

import pytest
import torch

from pipeline import config
from pipeline.gpu import fast
from pipeline.gpu.fast import Way
from pipeline.networks.instantmesh import InstantMesh
from pipeline.networks.instantmesh.cameras import cameras
from pipeline.networks.triposr import TripoSR
from tests.support import tiny


@pytest.fixture
def network() -> TripoSR:
    torch.manual_seed(0)
    return TripoSR(tiny.TRIPOSR).requires_grad_(False)


@pytest.mark.parametrize(
    ("device", "precision", "compiled", "expected"),
    [
        ("cpu", "fast", True, Way(False, False)),
        ("cuda", "fast", False, Way(True, False)),
        ("cuda", "exact", True, Way(False, True)),
    ],
)
def test_settings_hold_for_gpus_only(
    device: str, precision: str, compiled: bool, expected: Way
) -> None:
    host = config.Host(precision=precision, compile=compiled)  # type: ignore[arg-type]
    assert fast.way(device, host) == expected


def test_what_was_published_for_half_precision_is_held_in_it_on_gpus_alone() -> None:
    assert fast.kind("cpu") == torch.float32
    assert fast.kind("cuda", Way(bfloat16=True)) == torch.float16
    assert fast.kind("cuda", Way()) == torch.float32


def test_on_the_cpu_the_planes_are_the_networks_own_bit_by_bit_and_a_copy(network: TripoSR) -> None:
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(fast.planes(network, image), network(image))
    kept = torch.ones(3)
    assert fast.planes(lambda _: kept, image) is not kept


def test_in_bfloat16_the_planes_are_nearly_the_same_and_come_back_as_float32(
    network: TripoSR,
) -> None:
    image, views = torch.rand(1, 3, 64, 64), torch.rand(1, 6, 3, 32, 32)
    other = InstantMesh(tiny.INSTANTMESH).requires_grad_(False)
    for model, inputs in ((network, (image,)), (other, (views, cameras()[None]))):
        exact, quick = (
            fast.planes(model, *inputs, how=Way(bfloat16=value)) for value in (False, True)
        )
        assert quick.dtype == torch.float32
        assert 0 < (quick - exact).abs().max() < 0.05 * exact.std()


def test_tf32_is_off_for_products_and_convolutions(network: TripoSR) -> None:
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    assert fast.prepared(network, Way()) is network
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32
