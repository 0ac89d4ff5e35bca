"""Which names may stand in a pickle, and what takes their place: nothing that was looked up."""

import pytest

from minivis.errors import BadFile
from minivis.weights.containers.pickle_names import Inert, Name, called, check_name

CALLS = {"numpy.dtype": lambda *args: args}
TYPES = {"torch.FloatStorage"}


@pytest.mark.parametrize("name", [
    "numpy.dtype", "torch.FloatStorage", "argparse.Namespace", "pathlib.PosixPath", "builtins.set", "torch.Size",
    "torch.float32", "torch.nn.modules.conv.Conv2d", "torchvision.models.resnet.ResNet", "__main__.Net",
    "omegaconf.Dict",
])  # fmt: skip
def test_names_that_stand_beside_weights(name):
    assert check_name(name, CALLS, TYPES) == Name(name)


@pytest.mark.parametrize("name", [
    "os.system", "posix.system", "subprocess.Popen", "builtins.eval", "builtins.getattr", "__builtin__.apply",
    "commands.getoutput", "torch.load", "torch.hub.load", "torch._utils._rebuild_qtensor", "numpy.load", "pickle.loads",
    "runpy.run_path", "importlib.import_module", "sys.exit",
])  # fmt: skip
def test_names_that_end_the_reading(name):
    with pytest.raises(BadFile, match=rf"asks for '{name}', which weights do not need; none of it was run"):
        check_name(name, CALLS, TYPES)


def test_a_call_is_of_our_own_function_or_makes_an_inert_object():
    assert called(Name("numpy.dtype"), ("f4", 0), CALLS, TYPES) == ("f4", 0)
    made = called(Name("nets.Net"), (1, 2), CALLS, TYPES)
    assert isinstance(made, Inert) and (made.name, made.state, made.items) == ("nets.Net", {}, {})
    old = called(Name("copy_reg._reconstructor"), (Name("nets.Net"), Name("__builtin__.object"), None), CALLS, TYPES)
    assert old.name == "nets.Net"
    for function in (Name("torch.FloatStorage"), "os.system", None):
        with pytest.raises(BadFile, match="calls something that is not a function"):
            called(function, (), CALLS, TYPES)


@pytest.mark.parametrize("state, kept", [
    ({"a": 1}, {"a": 1}), (({"a": 1}, {"slot": 2}), {"a": 1}), ("text", {}), (None, {}),
])  # fmt: skip
def test_a_state_is_a_dict_or_none(state, kept):
    inert = Inert("nets.Net")
    inert.fill(state)
    assert inert.state == kept
