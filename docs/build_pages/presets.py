"""The presets of `maximize` and `invert` as a table each, from their registry."""

import dataclasses

from build_pages.api import title
from build_pages.commands import code
from build_pages.docstrings import escaped

PAGE = "reference/presets.rst"


def pages():
    from minivis.methods.synthesis import invert, maximize
    from minivis.optimize import presets

    lines = [*title("Presets"), "A preset is a set of settings with a name: ``minivis maximize --preset lucid``, or "
             "``mv.maximize(net, preset=\"lucid\")``. A setting given beside it takes its place; one that a preset "
             "does not name has the default in the last column.", ""]
    for name, registry, defaults in (("maximize", presets.MAXIMIZE, maximize.DEFAULTS),
                                     ("invert", presets.INVERT, invert.DEFAULTS)):
        lines += [*title(f"Presets of {name}", "-"), *table(registry, defaults), ""]
    return {PAGE: "\n".join(lines)}


def table(registry, defaults):
    """One column a preset, one row a setting that at least one of them changes."""
    presets = {name: settings(preset) for name, preset in registry.items()}
    names = [name for name in defaults if any(name in preset for preset in presets.values())]
    names += [name for name in dict.fromkeys(key for preset in presets.values() for key in preset) if name not in names]
    lines = [".. list-table::", "   :header-rows: 1", "   :stub-columns: 1", "   :class: presets", ""]
    rows = [["", *presets, "default"]]
    for name in names:
        rows.append([f"``{name}``", *(shown(preset.get(name)) for preset in presets.values()),
                     shown(defaults.get(name))])
    for row in rows:
        lines += [("   * - " if i == 0 else "     - ") + (cell or "\\ ") for i, cell in enumerate(row)]
    return lines


def settings(preset):
    """A preset as a dict; what hangs on the layer's depth as a text."""
    found = dataclasses.asdict(preset) if dataclasses.is_dataclass(preset) else dict(preset)
    by_depth = found.pop("by_depth", ())
    for name in dict.fromkeys(key for _, values in by_depth for key in values):
        found[name] = "; ".join(f"{values[name]} up to depth {end:g}" for end, values in by_depth if name in values)
    return found


def shown(value):
    return "" if value is None else escaped(code(str(value)))
