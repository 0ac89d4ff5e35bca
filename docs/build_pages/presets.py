"""The presets of `maximize` and `invert` as a table each, from their registry."""

from build_pages.api import title
from build_pages.commands import code
from build_pages.docstrings import escaped

PAGE = "reference/presets.rst"


def pages():
    from minivis.methods.synthesis.presets import INVERT, MAXIMIZE

    lines = [*title("Presets"), "A preset is a set of settings with a name: ``minivis maximize --preset lucid``, or "
             "``mv.maximize(net, preset=\"lucid\")``. A setting given beside it takes its place; one that a preset "
             "does not name has the default in the last column. Presets are instances of `MaximizeSettings` and "
             "`InvertSettings`, which say what each setting means.", ""]
    for name, registry in (("maximize", MAXIMIZE), ("invert", INVERT)):
        lines += [*title(f"Presets of {name}", "-"), *table(registry), ""]
    return {PAGE: "\n".join(lines)}


def table(registry):
    """One column a preset, one row a setting that at least one of them changes."""
    presets = {name: settings(preset) for name, preset in registry.items()}
    defaults = type(next(iter(registry.values())))().values()
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
    """What a preset changes, as a dict; what hangs on the layer's depth as a text."""
    found = {name: value for name, value in preset.values().items() if value != preset.field(name).default}
    by_depth = found.pop("by_depth", ())
    for name in dict.fromkeys(key for _, values in by_depth for key in values):
        found[name] = "; ".join(f"{values[name]} up to depth {end:g}" for end, values in by_depth if name in values)
    return found


def shown(value):
    return "" if value is None else escaped(code(str(value)))
