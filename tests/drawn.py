"""What figures are put together from, as plain values: each call of figures/ by a method, and its arguments.

And what the command says, the settings that the result was made with, and which numbers it has.

    MINIVIS_FIGURES=new pytest -n 0 tests/methods/*/test_figures.py           # rewrites golden/figures.json
"""

import importlib
import json
import os
import pkgutil
import re
import sys
from pathlib import Path

import numpy as np

import minivis
from minivis.commands.picture_command import PictureCommand
from minivis.figures import compose, line_chart, text

GOLDEN = Path(__file__).parent / "golden" / "figures.json"
FUNCTIONS = {name: getattr(module, name) for module, names in (
    (compose, ("above", "beside", "bar_chart", "colorbar", "contact_sheet", "overlay", "panels", "signed", "unsigned")),
    (line_chart, ("line_chart",)), (text, ("text_picture",)),
) for name in names}  # fmt: skip
NUMBER = re.compile(r"(?<![A-Za-z_\d.])[-+]?\d[\d.,]*(?:e[-+]?\d+)?(?![A-Za-z_])")


def watch(monkeypatch):
    """The calls [name, arguments, keywords] from now on, of the functions that modules of methods/ have imported."""
    calls = []

    def watched(name, real):
        def call(*args, **how):
            calls.append([name, plain(args), {key: plain(value) for key, value in how.items()}])
            return real(*args, **how)
        return call

    for module in pkgutil.walk_packages([f"{minivis.__path__[0]}/methods"], "minivis.methods."):
        importlib.import_module(module.name)
        for name, real in FUNCTIONS.items():
            if vars(sys.modules[module.name]).get(name) is real:
                monkeypatch.setattr(sys.modules[module.name], name, watched(name, real))
    return calls


def plain(value):
    """For JSON: of a text all but its numbers, and of an array only that there is one."""
    if isinstance(value, str):
        return NUMBER.sub("#", value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.integer | np.floating):
        return value.item()
    if isinstance(value, dict):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        return [plain(one) for one in value]
    return type(value).__name__


def told(value):
    """Which numbers there are: the names, and what kind each is."""
    if isinstance(value, dict):
        return {plain(key): told(one) for key, one in value.items()}
    return [told(value[0])] if isinstance(value, list) and value else type(value).__name__


def alike(found, wanted):
    """Equal but for the last digits of floats, and for heights, which hang on those of letters in this Pillow."""
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(alike, found, wanted))
    if isinstance(wanted, dict):
        return isinstance(found, dict) and list(found) == list(wanted) and all(
            alike(found[key], wanted[key]) or (key == "height" and abs(found[key] - wanted[key]) <= 0.1 * wanted[key])
            for key in wanted)
    if isinstance(wanted, float) and isinstance(found, float):
        return abs(found - wanted) <= 1e-2 * abs(wanted) + 1e-9
    return type(found) is type(wanted) and found == wanted


def check(run, monkeypatch, words):
    """Fail unless the figure of a command is put together as the golden file says."""
    calls, results, real = watch(monkeypatch), [], PictureCommand.result

    def made(*given, **settings):
        results.append(real(*given, **settings))
        return results[-1]

    monkeypatch.setattr(PictureCommand, "result", made)
    net = [] if words.startswith("hog") else ["--net", "tiny.h5"]
    code, out, err = run(*words.split(), *net, "-o", "out.png")
    assert code in (0, 1) and err == ""
    said, (result,) = out.split("\n"), results
    settings, numbers = (json.loads(json.dumps(value)) for value in (result.settings, result.numbers))
    found = json.loads(json.dumps([*calls, ["words", plain(said)], ["settings", settings], ["numbers", told(numbers)]]))
    golden = json.loads(GOLDEN.read_text("utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("MINIVIS_FIGURES") == "new":
        golden[words] = found
        lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(golden[name], ensure_ascii=False)}"
                           for name in sorted(golden))
        GOLDEN.write_text(f"{{\n{lines}\n}}\n", "utf-8")
    wanted = golden[words]
    assert found and [name for name, *_ in found] == [name for name, *_ in wanted]
    for one, other in zip(found, wanted):
        assert alike(one, other), f"\n{one}\n{other}"
