"""Run one layer forward and back under guard: nothing that it is handed may be written to."""

import numpy as np

from minivis.engine.finite_differences import numerical_gradient
from minivis.layers import BackwardMode, ForwardMode
from minivis.runtime.backend import get_xp, to_cpu

ATOL = 1e-10                            # float64, values around 1


def both_ways(layer, *inputs, dout=None, xp=np, grad="params", training=False, rule="normal", seed=0):
    """out, dout, dxs, dparams as NumPy arrays. Without a dout one is drawn. Inputs, dout, cache: read-only."""
    rng = np.random.default_rng(seed)
    if xp is not np:
        layer = layer.with_params(**{k: xp.asarray(p) for k, p in layer.params.items()})
    inputs = [freeze(xp.asarray(x)) for x in inputs]
    before = [to_cpu(x).copy() for x in inputs]
    out, cache = layer.forward(*inputs, mode=ForwardMode(grad, training, np.random.default_rng(seed)))
    dout = freeze(xp.asarray(rng.standard_normal(out.shape).astype(out.dtype) if dout is None else dout))
    dout_before = to_cpu(dout).copy()
    for array in arrays_in(cache):
        freeze(array)
    cache_before = [to_cpu(a).copy() for a in arrays_in(cache)]
    dxs, dparams = layer.backward(dout, cache, BackwardMode(rule, param_grads=grad == "params"))
    held = [*inputs, dout, *arrays_in(cache)]
    for array, old in zip(held, [*before, dout_before, *cache_before], strict=True):
        np.testing.assert_array_equal(to_cpu(array), old)
    assert layer.output_shape(*(x.shape for x in inputs)) == out.shape
    assert out.dtype == inputs[0].dtype and get_xp(out) is xp
    assert [dx.shape for dx in dxs] == [x.shape for x in inputs] and {dx.dtype for dx in dxs} == {out.dtype}
    assert {k: d.shape for k, d in dparams.items()} == {k: layer.params[k].shape for k in dparams}
    return to_cpu(out), to_cpu(dout), [to_cpu(dx) for dx in dxs], {k: to_cpu(d) for k, d in dparams.items()}


def check_modes(layer, *inputs, training=False):
    """What is remembered changes what a backward may ask for, never a number. Return dx of the first input."""
    wanted = both_ways(layer, *inputs, training=training)
    image = both_ways(layer, *inputs, training=training, grad="image")
    assert image[3] == {}
    for got, expected in zip([image[0], *image[2]], [wanted[0], *wanted[2]], strict=True):
        np.testing.assert_array_equal(got, expected)
    mode = ForwardMode(None, training, np.random.default_rng(0))
    out, cache = layer.forward(*inputs, mode=mode)
    np.testing.assert_array_equal(out, wanted[0])
    assert cache is None
    return wanted[2][0]


def check_gradients(layer, *inputs, training=False):
    """Every gradient against finite differences, element by element."""

    def forward(layer, *inputs):
        return layer.forward(*inputs, mode=ForwardMode(None, training, np.random.default_rng(0)))[0]

    _, dout, dxs, dparams = both_ways(layer, *inputs, training=training)
    for i, (x, dx) in enumerate(zip(inputs, dxs, strict=True)):
        numeric = numerical_gradient(lambda t, i=i: forward(layer, *inputs[:i], t, *inputs[i + 1 :]), x, dout)
        np.testing.assert_allclose(dx, numeric, rtol=1e-6, atol=1e-8)
    assert set(dparams) == set(layer.params) - set(layer.statistics)
    for key, grad in dparams.items():
        numeric = numerical_gradient(
            lambda t, key=key: forward(layer.with_params(**{**layer.params, key: t}), *inputs), layer.params[key], dout
        )
        np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-8)


def freeze(array):
    if isinstance(array, np.ndarray):
        array.flags.writeable = False
    return array


def arrays_in(cache):
    """The arrays of a cache, however it is packed."""
    if isinstance(cache, tuple | list):
        return [a for part in cache for a in arrays_in(part)]
    return [cache] if hasattr(cache, "dtype") else []
