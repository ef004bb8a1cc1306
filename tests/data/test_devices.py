import pytest
import torch

from data.devices import chosen_device, go_on


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("tpu", "choose from auto, cpu, cuda"), ("cuda:x", "choose from auto, cpu, cuda"), ("", "choose from auto"),
     ("cuda:", "choose from auto"), ("cpu:1", "choose from auto"), ("z" * 500, "choose from auto")],
)  # fmt: skip
def test_what_is_no_device_is_refused_in_a_sentence(name: str, sentence: str):
    with pytest.raises(ValueError, match=sentence) as refused:
        chosen_device(name)
    assert len(str(refused.value)) < 200


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(chosen_device("cuda", rank)) for rank in (0, 1)] == ["cuda:0", "cuda:1"]
    assert str(chosen_device("cuda:0", 1)) == "cuda:0" and str(chosen_device("auto")) == "cuda:0"
    with pytest.raises(ValueError, match="process 2 wants GPU 2, but there are 2.*at most 2 processes"):
        chosen_device("cuda", 2)
    with pytest.raises(ValueError, match="--device cuda:7: process 0 wants GPU 7"):
        chosen_device("cuda:7")


def test_a_generator_goes_on_from_its_own_kind_of_state_alone():
    saved = torch.Generator().manual_seed(3)
    state = saved.get_state()
    other = torch.Generator().manual_seed(4)
    before = other.get_state()
    assert not go_on(other, torch.zeros(16, dtype=torch.uint8), "x")  # what a GPU's is like
    assert torch.equal(other.get_state(), before)
    assert go_on(other, state, "x")
    assert torch.equal(torch.rand(3, generator=other), torch.rand(3, generator=saved))
