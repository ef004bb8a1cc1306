import pytest
import torch

from kinematics import Camera, DHHuman, look_at
from kinematics.batch_last import cat, index_select, is_batch_last, stack, to_batch_first, to_batch_last
from kinematics.head import from_body


@pytest.mark.parametrize("shape", [(5, 3), (5, 1, 16, 3), (5, 4, 16, 3), (1, 2, 3), (0, 2, 3), (5,)])
def test_both_layouts_hold_the_same_numbers(shape, generator, float_dtype):
    values = torch.randn(*shape, generator=generator, dtype=float_dtype)
    rows = to_batch_last(values)
    assert torch.equal(rows, values) and torch.equal(to_batch_first(rows), values)
    assert to_batch_first(rows).is_contiguous() and is_batch_last(rows) == (len(shape) > 1 and shape[0] > 1)


@pytest.mark.parametrize("layout", [to_batch_last, to_batch_first])
def test_stack_take_and_cat_are_torch_s_and_keep_the_layout(layout, generator):
    values = layout(torch.randn(6, 2, 4, 3, generator=generator))
    parts = list(values.unbind(-2))
    stacked = stack(parts, -2, values)
    pair = stack(list(values[..., :2].unbind(-1)), -1, values)
    chosen = torch.tensor([5, 0, 0, 3])
    both = cat([values, values[:2]])
    assert torch.equal(stacked, values) and torch.equal(pair, values[..., :2])
    assert torch.equal(index_select(values, chosen), values[chosen]) and torch.equal(
        both, torch.cat([values, values[:2]])
    )
    assert all(
        is_batch_last(made) == is_batch_last(values) for made in (stacked, pair, index_select(values, chosen), both)
    )


def people(generator: torch.Generator, dtype: torch.dtype) -> tuple[tuple[torch.Tensor, ...], Camera]:
    sizes = (28, 15, 3, 3)
    body = tuple(torch.randn(7, 2, size, generator=generator, dtype=dtype) for size in sizes)
    place, target = torch.randn(2, 7, 3, generator=generator, dtype=dtype)
    lens = torch.cat([torch.ones(7, 2), torch.zeros(7, 2), 0.1 * torch.rand(7, 5, generator=generator)], dim=1)
    return body, Camera(look_at(8 * place, target), 8 * place, lens.to(dtype), torch.ones(7, dtype=dtype))


def test_bodies_and_cameras_do_the_same_in_both_layouts(generator, float_dtype):
    body, camera = people(generator, float_dtype)
    plain = DHHuman()(*body)
    joints = DHHuman()(*(to_batch_last(values) for values in body))
    turned = camera.each(to_batch_last)
    seen_plain, seen = camera.world_to_camera(plain), turned.world_to_camera(joints)
    pairs = [
        (joints, plain), (seen, seen_plain), (turned.project(seen), camera.project(seen_plain)),
        (turned.camera_to_world(seen), plain), (from_body(joints, "coco_17"), from_body(plain, "coco_17")),
    ]  # fmt: skip
    for in_row, expected in pairs:
        assert is_batch_last(in_row) and not is_batch_last(expected)
        torch.testing.assert_close(in_row, expected, rtol=1e-4, atol=1e-5 if float_dtype == torch.float32 else 1e-12)


def test_gradients_are_the_same_in_both_layouts(generator):
    body, camera = people(generator, torch.float64)
    gradients = []
    for layout in (to_batch_last, to_batch_first):
        inputs = [values.clone().requires_grad_() for values in body]
        map_tensors = camera.each(layout)
        joints = map_tensors.world_to_camera(DHHuman()(*(layout(values) for values in inputs)))
        gradients.append(torch.autograd.grad(map_tensors.project(joints).square().sum(), inputs))
    for in_row, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(in_row, expected)
