"""Which dict of a checkpoint is the net: bare, beside a metric, one of two."""

from types import SimpleNamespace

import pytest

from minivis.errors import BadFile, UnknownName
from minivis.weights.containers.net_in_checkpoint import named_part, net_dict
from minivis.weights.containers.pickle_names import Inert


def tensor(*shape):
    return SimpleNamespace(shape=shape)


def is_tensor(value):
    return isinstance(value, SimpleNamespace)


def found(value, part=None):
    return net_dict(value, "a.pth", is_tensor, part)


NET = {"conv1.weight": tensor(4, 3, 3, 3), "conv1.bias": tensor(4)}
OTHER = {"fc.weight": tensor(2, 3)}


@pytest.mark.parametrize("saved", [
    NET, {**NET, "epoch": 3}, {"state_dict": NET, "best_acc1": tensor()}, {"best_acc1": tensor(), "net": NET},
    {"loss": tensor(1), "epoch": 3, "whatever": NET, "lr": tensor()}, {"model": NET, "optimizer": OTHER},
    {"model": NET, "criterion": OTHER, "lr_scheduler": OTHER, "optim_state": OTHER},
    {"state_dict": NET, "metrics": {"acc": tensor(), "per_class": tensor(10)}},
    {"model": NET, "optimizer": {"state": {0: OTHER}, "param_groups": []}},
    {"state_dict": NET, "confusion": tensor(10, 10)}, {"net": {"state_dict": NET, "epoch": 3}},
    {"state_dict": NET, "optimizer_states": [{"state": {0: OTHER}}], "callbacks": {"best": {"score": tensor()}}},
    {"model": NET, "best": NET}, {"models": [NET]}, (3, NET, {"state": {}}), [NET],
])  # fmt: skip
def test_a_net_and_what_is_kept_beside_it(saved):
    assert found(saved) == NET


@pytest.mark.parametrize("first, second", [("student", "teacher"), ("model", "ema"), ("generator", "discriminator")])
def test_of_two_nets_none_is_taken_in_silence(first, second):
    saved = {first: NET, second: OTHER, "epoch": 1}
    with pytest.raises(BadFile, match=rf"2 nets \({first}, {second}\): name one of them, as in --part {first}"):
        found(saved)
    assert found(saved, first) == NET and found(saved, second) == OTHER
    with pytest.raises(UnknownName, match=f"no part named '{second}s'; did you mean '{second}'"):
        found(saved, second + "s")


def test_the_net_at_the_top_is_one_of_two():
    saved = {**NET, "ema": OTHER, "epoch": 1}
    with pytest.raises(BadFile, match=r"2 nets \(\., ema\): name one of them, as in --part ema \(the dot means"):
        found(saved)
    assert found(saved, ".") == NET and found(saved, "ema") == OTHER
    assert found({**NET, "table": {"of": tensor(2, 2)}}) == NET
    assert found({**NET, "ema": dict(NET)}) == NET


def test_a_part_is_named_by_its_key_or_by_what_its_names_begin_with():
    deep = {"nets": {"student": NET, "teacher": {"body": {**NET}, "head": OTHER}}, "epoch": 1}
    with pytest.raises(BadFile, match=r"2 nets \(nets.student, nets.teacher.head\)"):       # the body is the student's
        found(deep)
    assert found(deep, "nets.student") == found(deep, "student") == NET
    assert found(deep, "teacher") == {f"body.{name}": t for name, t in NET.items()} | {"head.fc.weight": tensor(2, 3)}
    flat = {"state_dict": {f"ema.net.{name}": t for name, t in NET.items()} | {"fc.weight": tensor(1, 1)}}
    assert found(flat, "ema.net") == NET and found(flat, "ema") == {f"net.{name}": t for name, t in NET.items()}
    assert named_part(flat["state_dict"], "ema.net") == NET
    with pytest.raises(UnknownName, match="no part named 'emma'"):
        named_part(flat["state_dict"], "emma")


def test_what_is_set_aside_can_still_be_asked_for():
    assert found({"model": NET, "criterion": OTHER}, "criterion") == OTHER


def test_no_net():
    with pytest.raises(BadFile, match="holds a list, not a dict of weights"):
        found([1])
    with pytest.raises(BadFile, match="holds no tensors"):
        found({"epoch": 3})
    assert found({"scale": tensor(3)}) == {"scale": tensor(3)}


# ---- modules, as torch.save(model) has them ----

def module(parameters=None, buffers=None, **modules):
    found = Inert("torch.nn.Module")
    found.fill({"training": False, "_parameters": parameters or {}, "_buffers": buffers or {}, "_modules": modules})
    return found


WHOLE = module(conv1=module({"weight": tensor(4, 3, 3, 3), "bias": tensor(4)}), bn=module(buffers={"mean": tensor(4)}))


@pytest.mark.parametrize("saved", [WHOLE, {"model": WHOLE, "epoch": 3}, {"nets": [WHOLE]}])
def test_a_module_has_the_names_of_its_state_dict(saved):
    assert found(saved) == {**NET, "bn.mean": tensor(4)}


def test_a_module_that_holds_itself_ends():
    loop = module({"w": tensor(1, 2)})
    loop.state["_modules"]["again"] = loop
    assert len(found(loop)) == 16


def test_an_object_that_is_a_dict_too_is_its_items():
    settings = Inert("lightning.AttributeDict")
    settings.items |= NET
    assert found({"hyper_parameters": settings}) == NET
    with pytest.raises(BadFile, match="holds a Namespace, not a dict"):
        found(Inert("argparse.Namespace"))


def test_an_optimisers_state_under_another_name_is_none_of_the_nets():
    assert found({"model": NET, "adam": {"state": {0: {"exp_avg": tensor(2, 3)}, 1: {"exp_avg": tensor(4, 4)}}}}) == NET
