"""Training: the loop that made the embedded nets.

A step cuts its batch into *shards* of a few pictures. Threads take shards, each goes forward and back through the
shared net (a net is stateless), and the gradients are summed in the order of the shards: the result is the same to the
bit for any number of threads. Batch norm sees a shard at a time ("ghost" batches, Hoffer et al. 2017), and a shard's
activations nearly fit into a core's cache.

    data        anything with ``batch(first, count) -> images uint8 (N, H, W, C), labels (N,)``: pictures number first,
                first + 1, ... of an endless stream, each a pure function of its number
    optimizers  SGD with momentum, Adam with decoupled weight decay (Loshchilov & Hutter 2019)
    schedule    linear warm-up, then a half cosine to zero
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import h5py
import numpy as np

from minivis.engine.network import Network
from minivis.engine.surgery import with_dropout
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.layers import BatchNorm, cross_entropy
from minivis.optimize.update_rules import Adam
from minivis.runtime import threads as team
from minivis.runtime.described import check_fields
from minivis.runtime.files import printable
from minivis.runtime.settings import NUMBER, TEXT, whole
from minivis.training.adversary import Adversary
from minivis.types import Array, PathLike
from minivis.weights.containers.hdf5 import Source, child, opened, read_array
from minivis.weights.containers.hdf5_write import new_hdf5


class Stream(Protocol):
    """Pictures to learn from, see above."""

    def batch(self, first: int, count: int) -> tuple[Array, Array]: ...


DECAYED = "w"                                   # weight decay pulls on weights, not on biases or batch norm


@dataclass(frozen=True)
class Recipe:
    """How to train. ``steps`` batches of ``batch`` pictures, in shards of ``shard``."""

    steps: int
    batch: int = 64
    shard: int = 16
    optimizer: str = "adam"                     # or "sgd"
    learning_rate: float = 2e-3
    warmup: int = 200                           # steps from 0 to the full learning rate
    momentum: float = 0.9                       # of SGD; Adam's beta1
    beta2: float = 0.999                        # Adam's
    weight_decay: float = 1e-4                  # SGD: added to the gradient; Adam: times the learning rate
    smoothing: float = 0.0                      # label smoothing, see cross_entropy
    norm_momentum: float = 0.99                 # of batch norm's running mean and variance
    dropout: float | None = None                # the rate of every Dropout; None: as the net was built
    adversary: Adversary | None = None          # moves the pictures against the net before it learns from them
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = ("learning_rate", "momentum", "beta2", "weight_decay", "smoothing", "norm_momentum")
        counts = ("steps", "batch", "shard", "warmup")
        check_fields(self, **dict.fromkeys(counts, whole()), optimizer=TEXT, **dict.fromkeys(numbers, NUMBER))
        if self.optimizer not in OPTIMIZERS:
            raise UnknownName.of("optimizer", self.optimizer, OPTIMIZERS)
        if self.batch < 1 or self.shard < 1 or self.batch % self.shard:
            raise BadValue(f"a batch of {self.batch} does not divide into shards of {self.shard}")
        if self.steps < 0 or not self.learning_rate > 0:
            raise BadValue(f"steps must be 0 or more and the rate above 0, got {self.steps} and {self.learning_rate}")

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def sgd(recipe: Recipe, rate: float, step: int, w: Array, dw: Array, slots: dict[str, Array], decay: float) -> Array:
    """Return the new w. v = momentum*v + dw + decay*w;  w - rate*v. ``slots`` holds v between calls."""
    v = slots.setdefault("v", np.zeros_like(w))
    v *= recipe.momentum
    v += dw
    v += decay * w
    return w - rate * v


def adam(recipe: Recipe, rate: float, step: int, w: Array, dw: Array, slots: dict[str, Array], decay: float) -> Array:
    """Return the new w: Adam's step, and a decay that acts only on w. ``slots`` holds m and v between calls."""
    rule = Adam(rate, beta1=recipe.momentum, beta2=recipe.beta2)
    return rule.step(w, dw, slots, step, None) - (rate * decay) * w


OPTIMIZERS, SLOTS = {"sgd": sgd, "adam": adam}, {"sgd": "v", "adam": "mv"}


class Trainer:
    """A net in training: ``step()`` until ``done``, ``save``, ``resume``. The net's parameters change as it learns.

    Where the recipe has a rate for dropout, it applies here and not to the caller's net, which shares the parameters.
    """

    def __init__(self, net: Network, data: Stream, recipe: Recipe, *, threads: int = 2) -> None:
        if threads < 1:
            raise BadValue(f"threads must be 1 or more, got {threads}")
        self.net = net if recipe.dropout is None else with_dropout(net, recipe.dropout)
        self.data, self.recipe = data, recipe
        self.logits = net.role("logits")
        self.steps_done, self.seconds = 0, 0.0
        self.slots: dict[str, Any] = {name: {key: {} for key in layer.params} for name, layer in net.layers.items()}
        self.recent: deque[Any] = deque(maxlen=50)          # (loss, accuracy) of the last steps
        self.threads = threads

    @property
    def done(self) -> bool:
        return self.steps_done >= self.recipe.steps

    def run(self, *, progress: Callable[["Trainer"], Any] | None = None, checkpoint: PathLike | None = None,
            every: float = 300.0) -> "Trainer":
        """Train to the end. ``progress(trainer)`` after each step; ``checkpoint`` is written at intervals.

        On Ctrl-C, or any other end, the checkpoint is written too: nothing is lost.
        """
        with team.threads(self.threads):
            saved = time.monotonic()
            try:
                while not self.done:
                    self.step(team.map_out)
                    if progress:
                        progress(self)
                    if checkpoint and time.monotonic() - saved > every:
                        self.save(checkpoint)
                        saved = time.monotonic()
            finally:
                if checkpoint:
                    self.save(checkpoint)
        return self

    def step(self, map_shards: Callable[..., Iterable[Any]] = map) -> None:
        """One batch: gradients of all shards, then one update of every parameter."""
        began = time.perf_counter()
        shards = range(self.recipe.batch // self.recipe.shard)
        losses, hits, grads, moments = zip(*map_shards(self.shard_gradient, shards))
        rate = self.recipe.rate(self.steps_done)
        update = OPTIMIZERS[self.recipe.optimizer]
        for name, layer in self.net.layers.items():
            new = {}
            for key in grads[0].get(name, ()):
                dw = sum(g[name][key] for g in grads) / len(grads)
                decay = self.recipe.weight_decay if key == DECAYED else 0.0
                slots = self.slots[name][key]
                new[key] = update(self.recipe, rate, self.steps_done, layer.params[key], dw, slots, decay)
            if name in moments[0]:
                keep = self.recipe.norm_momentum
                for key, batch_value in zip(("mean", "var"), zip(*(m[name] for m in moments))):
                    new[key] = keep * layer.params[key] + (1 - keep) * sum(batch_value) / len(batch_value)
            if new:
                layer.set_params(**new)
        self.recent.append((np.mean(losses), np.sum(hits) / self.recipe.batch))
        self.steps_done += 1
        self.seconds += time.perf_counter() - began

    def shard_gradient(self, shard: int) -> tuple[float, int, dict[str, dict[str, Array]], dict[str, Any]]:
        """Loss, right answers, parameter gradients, and the batch norms' (mean, var), for one shard of this step."""
        recipe = self.recipe
        first = self.steps_done * recipe.batch + shard * recipe.shard
        images, labels = self.data.batch(first, recipe.shard)
        if recipe.adversary:
            images = recipe.adversary.move(self.net, images, labels, step=self.steps_done, seed=(recipe.seed, first))
        rng = np.random.default_rng((recipe.seed, first))
        acts = self.net.forward(
            self.net.preprocess(images), until=self.logits, keep=[self.logits], grad="params", training=True, rng=rng
        )
        logits = acts[self.logits]
        loss, dlogits = cross_entropy(logits, labels, smoothing=recipe.smoothing)
        _, dparams = self.net.backward(acts, {self.logits: dlogits}, param_grads=True, keep=())
        moments = {n: acts.caches[n][1:3] for n, layer in self.net.layers.items() if isinstance(layer, BatchNorm)}
        return loss, int((logits.argmax(axis=1) == labels).sum()), dparams, moments

    def save(self, path: PathLike) -> None:
        """Write a checkpoint: parameters, optimizer, step. It replaces an older one, whole or not at all."""
        with new_hdf5(path, force=True) as (file, sink):
            file.attrs.update(format="minivis checkpoint", steps_done=self.steps_done, seconds=self.seconds)
            file.attrs["recipe"] = repr(asdict(self.recipe))
            for name, layer in self.net.layers.items():
                for key, w in layer.params.items():
                    file[f"params/{name}/{key}"] = w
                    for slot, array in self.slots[name][key].items():
                        file[f"slots/{name}/{key}/{slot}"] = array
                    sink.check()

    def resume(self, path: PathLike) -> "Trainer":
        """Continue from a checkpoint of the same net and recipe, to the bit as if it had never stopped."""
        with opened(path, NO_CHECKPOINT) as source:
            if (saved := recipe_in(source)) != repr(asdict(self.recipe)):
                raise BadFile(f"{path} belongs to another recipe: {printable(saved)}")
            done, seconds = (source.attribute(source.file, key) for key in ("steps_done", "seconds"))
            if not isinstance(done, np.integer) or not isinstance(seconds, np.floating):
                raise BadFile(f"{path} is damaged: it does not say how many steps were done")
            done, seconds = int(done), float(seconds)
            if not 0 <= done <= self.recipe.steps:
                raise BadFile(f"{path} is damaged: it has {done} steps, but the recipe has {self.recipe.steps}")
            params: dict[str, Any] = {}
            slots: dict[str, Any] = {}
            for name, layer in self.net.layers.items():
                params[name] = {key: like(p, f"params/{name}/{key}", source) for key, p in layer.params.items()}
                slots[name] = {key: {} for key in layer.params}
                learned = set(layer.params) - set(layer.statistics) if done else ()
                for key in learned:
                    slots[name][key] = {slot: like(layer.params[key], f"slots/{name}/{key}/{slot}", source)
                                        for slot in SLOTS[self.recipe.optimizer]}
        for name, layer in self.net.layers.items():
            layer.set_params(**params[name])
        self.slots, self.steps_done, self.seconds = slots, done, seconds
        return self


NO_CHECKPOINT = "no checkpoint of this net that can be continued; train without --resume"


def like(array: Array, name: str, source: Source) -> Array:
    """The numbers called ``name`` in a checkpoint. Raise BadFile unless they are of the shape and type of ``array``."""
    dataset = child(source.file, name, h5py.Dataset)
    if dataset is None or dataset.shape != array.shape or dataset.dtype != array.dtype:
        raise BadFile(f"{source.path} cannot be read as a checkpoint of this net ({name} is missing or has another "
                      "shape)")
    return read_array(dataset, array.dtype, source, finite=False)


def recipe_in(source: Source) -> str:
    """The recipe of an open checkpoint, as text; BadFile if there is none."""
    saved = source.attribute(source.file, "recipe")
    if source.attribute(source.file, "format") != "minivis checkpoint" or not isinstance(saved, str):
        raise BadFile(f"{source.path} cannot be read as a checkpoint: it is {NO_CHECKPOINT}")
    return saved


def saved_recipe(path: PathLike) -> str:
    """The recipe of a checkpoint, as text; BadFile if there is none."""
    with opened(path, NO_CHECKPOINT) as source:
        return recipe_in(source)


def accuracy(net: Network, data: Stream, count: int, adversary: Adversary | None = None, *, batch: int = 50,
             threads: int = 2) -> tuple[float, Array, Array]:
    """The share of the first ``count`` pictures of ``data`` whose class comes first, and the labels and answers.

    With an `Adversary` each picture is moved against the net before it is asked.
    """
    logits = net.role("logits")

    def answers(first: int) -> tuple[Array, Array]:
        images, labels = data.batch(first, min(batch, count - first))
        if adversary:
            images = adversary.move(net, images, labels, seed=first)
        out = net.forward(net.preprocess(images), until=logits, keep=[logits], grad=None)[logits]
        return labels, out.argmax(axis=1)

    with team.threads(threads):
        labels, found = map(np.concatenate, zip(*team.map_out(answers, range(0, count, batch))))
    return float((labels == found).mean()), labels, found
