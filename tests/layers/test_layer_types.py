"""What holds for every kind of layer, on the examples that its class gives. A new layer needs no edit here."""

import tracemalloc

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes

from minivis.engine.layer_table import make_layer
from minivis.errors import BadValue, MinivisError
from minivis.layers import LAYER_TYPES, ForwardMode
from minivis.layers.base import Window


def examples():
    rng = np.random.default_rng(5)
    for name, kind in LAYER_TYPES.items():
        for i, (layer, shapes) in enumerate(kind.examples(rng)):
            yield pytest.param(layer, [layer.smooth_input(shape, rng) for shape in shapes], id=f"{name}-{i}")


EXAMPLES = list(examples())


def test_every_kind_has_an_example():
    assert {type(example.values[0]).__name__ for example in EXAMPLES} == set(LAYER_TYPES)


@pytest.mark.parametrize("layer, inputs", EXAMPLES)
def test_every_gradient_is_the_derivative_and_no_array_is_written_to(layer, inputs):
    check_gradients(layer, *inputs)
    if layer.differs_in_training:
        check_gradients(layer, *inputs, training=True)
    check_modes(layer, *inputs)


@pytest.mark.parametrize("layer, inputs", EXAMPLES)
def test_both_array_libraries_agree(layer, inputs, xp):
    out, dout, dxs, dparams = both_ways(layer, *inputs)
    got = both_ways(layer, *inputs, dout=dout, xp=xp)
    np.testing.assert_allclose(got[0], out, rtol=0, atol=1e-10)
    for array, wanted in zip([*got[2], *got[3].values()], [*dxs, *dparams.values()], strict=True):
        np.testing.assert_allclose(array, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("layer, inputs", EXAMPLES)
def test_float32_stays_float32(layer, inputs):
    layer = layer.with_params(**{key: p.astype(np.float32) for key, p in layer.params.items()})
    both_ways(layer, *(x.astype(np.float32) for x in inputs))


@pytest.mark.parametrize("layer, inputs", EXAMPLES)
def test_a_layer_comes_back_from_its_row_of_a_table(layer, inputs):
    again = make_layer("layer", type(layer).__name__, dict(layer.params), layer.config())
    assert type(again) is type(layer) and again.config() == layer.config() and set(again.params) == set(layer.params)
    np.testing.assert_array_equal(both_ways(again, *inputs)[0], both_ways(layer, *inputs)[0])


@pytest.mark.parametrize("layer, inputs", EXAMPLES)
def test_what_is_not_learned_is_a_parameter(layer, inputs):
    assert set(layer.statistics) <= set(layer.params)
    window = layer.window(inputs[0].shape)
    assert window is None or isinstance(window, Window)
    if layer.elementwise:
        assert layer.output_shape(*(x.shape for x in inputs)) == inputs[0].shape
        assert layer.window(inputs[0].shape) is None


@pytest.mark.parametrize("layer, inputs", EXAMPLES)
def test_an_output_is_made_of_what_its_window_sees(layer, inputs):
    """And nothing else: the gradient of an output in each corner, and in the middle. As many windows fit as it says."""
    out, x = both_ways(layer, *inputs)[0], inputs[0]
    window = layer.window(x.shape) or Window((1, 1), (1, 1), (0, 0))
    if out.ndim < 4 or x.ndim < 4 or (layer.window(x.shape) is None and out.shape[1:3] != x.shape[1:3]):
        return
    for axis in (0, 1):
        room = x.shape[axis + 1] + sum(window.padding[axis]) - window.kernel[axis]
        if window.stride[axis]:
            assert out.shape[axis + 1] in (room // window.stride[axis] + 1, -(-room // window.stride[axis]) + 1)
    for at in [(0, 0), (-1, -1), (0, -1), (-1, 0), (out.shape[1] // 2, out.shape[2] // 2)]:
        dout = np.zeros_like(out)
        dout[:, at[0], at[1]] = 1
        seen = np.argwhere(both_ways(layer, *inputs, dout=dout)[2][0])
        if len(seen) and x.shape[1:3] != (1, 1):
            for axis, n in zip((0, 1), np.array(at) % out.shape[1:3]):
                first = window.start[axis] + n * window.stride[axis]
                assert first <= seen[:, axis + 1].min() and seen[:, axis + 1].max() < first + window.kernel[axis]


@pytest.mark.parametrize("layer, inputs", [example for example in EXAMPLES if getattr(example.values[0], "kinks", ())])
def test_a_kink_belongs_to_what_lies_outside(layer, inputs):
    """The gradient there is that below the first and above the second."""
    for kink, side in zip(layer.kinks, (-1, 1)):
        at, beside = (both_ways(layer, np.full_like(inputs[0], x), dout=np.ones_like(inputs[0]))[2][0]
                      for x in (kink, kink + 1e-9 * side))
        np.testing.assert_allclose(at, beside, rtol=0, atol=1e-6)


ODD = (2**62, 10**30, 10**6, -1, 0, 1.5, "x", None, True, [], {}, np.nan, [2**62, 1], [1, 10**6], [None], "same")
MOST = 10**7                                    # numbers that a layer may put out: memory.py refuses what is larger


@pytest.mark.parametrize("layer, inputs, setting", [
    pytest.param(*example.values, setting, id=f"{example.id}-{setting}")
    for example in EXAMPLES for setting in example.values[0].config()
])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value|divide by zero) encountered")
@pytest.mark.filterwarnings("ignore:The truth value of an empty array")         # NumPy 1.24
def test_an_odd_setting_is_refused_or_takes_little(layer, inputs, setting):
    """As a layer table from anywhere may have it: a sentence, before memory is taken, or a layer that works."""
    for value in ODD:
        tracemalloc.start()
        try:
            odd = make_layer("layer", type(layer).__name__, dict(layer.params), {**layer.config(), setting: value})
            if np.prod(odd.output_shape(*(x.shape for x in inputs)), dtype=float) < MOST:
                odd.forward(*inputs, mode=ForwardMode(None))
        except MinivisError:
            pass
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 3e8, f"{setting} = {value!r}: {peak / 1e6:.0f} MB"


WRONG = ("three", [1, [2]], {}, object(), np.array(["a"]), 1j)


@pytest.mark.parametrize("layer", [pytest.param(example.values[0], id=example.id) for example in EXAMPLES])
def test_an_argument_of_a_wrong_type_is_named(layer):
    right = {**layer.params, **layer.config()}
    for name in right:
        for value in WRONG:
            with pytest.raises(BadValue, match=rf"\b{name} (must|is)\b"):
                type(layer)(**{**right, name: value})
