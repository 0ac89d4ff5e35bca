"""The demos as scripts for sphinx-gallery: the same lines without a function around them, so that a page shows them in
steps and its notebook runs wherever minivis is installed.

What a demo takes from demos/loading.py, which belongs to its command line, becomes the few lines that do the same.
"""

import ast
import re
import textwrap

from build_pages import ROOT

DEMOS = ROOT / "demos"
SCRIPTS = ROOT / "build" / "docs-demos"

SHOW = '''
# A figure is a row of panels: pictures, or numbers with a scale below.
def show(figure, height=256, columns=None):
    """The panels of {title: picture or numbers}, or of a list of (title, picture or numbers), in rows."""
    images, bars, figure = [], [], list(figure.items() if isinstance(figure, dict) else figure)
    for _, values in figure:
        is_picture = values.dtype == "uint8"
        limit = None if is_picture else display_limit(values)
        kind = None if is_picture else "grey" if values.ndim == 3 else "diverging" if values.min() < 0 else "inferno"
        draw = {None: lambda v: v, "grey": signed, "diverging": signed, "inferno": unsigned}[kind]
        images.append(draw(values))
        bars.append(limit and (kind, 0 if kind == "inferno" else -limit, limit))
    titles = [title for title, _ in figure]
    return Image.fromarray(panels(images, titles, colorbars=bars, height=height, columns=columns))
'''
REPLACED = ("load", "load_families", "load_many", "load_net", "load_nets", "load_patches", "load_some", "outlined",
            "own_options", "digits", "read", "save")
DATA = 'files("minivis.data")'
DIGITS = '''
data = load_digits()
order = np.random.default_rng(0).permutation(len(data.target))
pictures, labels = np.uint8(data.images * 255 / 16)[order, ..., None], data.target[order]
'''
IMPORTS = """
from importlib.resources import files

import numpy as np
from PIL import Image
"""
OWN_IMPORTS = """
import minivis as mv
from minivis.figures.colormaps import display_limit, signed, unsigned
from minivis.figures.compose import panels
"""


def scripts():
    """The demos, in order."""
    return sorted(DEMOS.glob("[0-9][0-9]_*.py"))


def write():
    """Write every script, and the text of the gallery's page."""
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    made = {script.name: converted(script.read_text("utf-8"), script.stem) for script in scripts()}
    made["GALLERY_HEADER.rst"] = HEADER
    for old in SCRIPTS.glob("*.py"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        path = SCRIPTS / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


HEADER = """
Gallery
=======

The figures of lecture 9, in its order. Each page spells its method out with ``net.forward`` and ``net.backward``, and
can be downloaded as a script or as a notebook. In a clone, the same scripts stand in ``demos/``.
"""


def converted(source, stem):
    """A demo's source as a script for sphinx-gallery."""
    tree = ast.parse(source)
    lines = source.splitlines()
    segment = lambda node: "\n".join(lines[node.lineno - 1:node.end_lineno])  # noqa: E731
    main = next(node for node in tree.body if getattr(node, "name", "") == "main")
    body = textwrap.dedent("\n".join(lines[main.body[0].lineno - 1:main.end_lineno]))
    imports, own = IMPORTS.strip().splitlines(), OWN_IMPORTS.strip().splitlines()
    taken = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "loading":
            taken = [alias.name for alias in node.names]
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and segment(node) not in ("import sys", *imports):
            imports.append(segment(node))
    for line in extra_imports(taken):
        (own if "minivis" in line else imports).append(line)
    constants = [segment(node) for node in tree.body if isinstance(node, ast.Assign)]
    parts = [introduction(ast.get_docstring(tree), stem), "\n".join([*imports, "", *own]), SHOW, *definitions(taken)]
    parts += ["\n".join(constants)] if constants else []
    parts += cells(unloaded(body))
    return "\n\n\n# %%\n".join(part.strip("\n") for part in parts).replace("# %%\n", "", 1) + "\n"


def introduction(text, stem):
    """The docstring as the page's text, and the picture of its card in the gallery."""
    first, _, rest = text.partition("\n\n")
    heading, mark, more = re.sub(r"\s+", " ", first).partition("? ")
    if mark:
        heading += "?"
    else:                                       # up to a colon, or to who did it first
        heading, more = re.fullmatch(r"(.*?)(?:: | (?=\()|\. |$)(.*)", heading).groups()
        more = more[:1].upper() + more[1:]
    from build_pages.docstrings import converted as rst

    parts = ["\n".join(rst([line])) for line in ([more] if more else [])]
    parts += ["\n".join(rst(rest.splitlines()))] if rest else []
    body = "\n\n".join(parts)
    thumbnail = f"# sphinx_gallery_thumbnail_path = '../demos/{picture_of(stem)}'"
    return f'"""\n{heading}\n{"=" * len(heading)}\n\n{body}\n"""\n{thumbnail}'


def picture_of(stem):
    """The name of the picture that a demo writes without arguments, as it is committed."""
    return next(path.name for path in sorted(DEMOS.glob(stem + ".*")) if path.suffix != ".py")


def show_picture(app, docname, source):
    """Sphinx' hook: a demo's picture stands below its page's title, also where the demo was not run."""
    folder, _, stem = docname.rpartition("/")
    if folder == "gallery" and (DEMOS / f"{stem}.py").exists():
        name = picture_of(stem)                 # a wide one can't be read on a phone: a tap shows it in full size
        image = f"\n.. image:: /../demos/{name}\n   :alt: the figure\n   :target: ../_images/{name}\n\n"
        source[0] = re.sub(r"^={3,}\n", lambda line: line[0] + image, source[0], count=1, flags=re.MULTILINE)


def extra_imports(taken):
    """The imports that a script needs for what its demo takes from loading.py."""
    found = {"load_families": "from minivis.data.samples import Samples",
             "load_patches": "from minivis.data.folder import crops, photos",
             "load_many": "from minivis.data.samples import Samples",
             "load_some": "from minivis.data.samples import Samples",
             "outlined": "from minivis.data.samples import Samples",
             "digits": "from sklearn.datasets import load_digits"}
    lines = [found[name] for name in taken if name in found]
    needed = {*taken, *re.findall(r"\w+", "\n".join(definitions(taken)))} - {"mv", "np"}
    for node in loading().body:
        names = [alias.name for alias in getattr(node, "names", ()) if alias.name in needed]
        if isinstance(node, ast.ImportFrom) and node.module.startswith("minivis.") and names:
            lines.append(f"from {node.module} import {', '.join(names)}")
    return lines


def definitions(taken):
    """The source of the functions that a demo takes from loading.py and that `unloaded` does not replace."""
    lines = (DEMOS / "loading.py").read_text("utf-8").splitlines()
    return ["\n".join(lines[node.lineno - 1:node.end_lineno]) for node in loading().body
            if isinstance(node, ast.FunctionDef) and node.name in taken and node.name not in REPLACED]


def loading():
    return ast.parse((DEMOS / "loading.py").read_text("utf-8"))


def unloaded(body):
    """The body with the lines of demos/loading.py in the place of its functions."""
    body = re.sub(r"^(\w+), (\w+), out = load\(([^)]*)\)(.*)$", loaded, body, flags=re.MULTILINE)
    body = re.sub(r"^net, pictures, out = load_many\([^)]*\)(.*)$",
                  r'net = mv.load("emoji-vgg")\npictures = Samples().images\1', body, flags=re.MULTILINE)
    body = re.sub(r"^net, pictures, labels, out = load_families\([^)]*\)(.*)$",
                  r'net = mv.load("emoji-vgg")\npictures = Samples("families").images\1\n'
                  r'labels = np.array(Samples("families").names)', body, flags=re.MULTILINE)
    body = re.sub(r"^net, patches, out = load_patches\([^)]*, (\w+), (\d+)\)(.*)$",
                  r'net = mv.load("emoji-alexnet")\npictures, _ = photos(None, 640, 3)\n'
                  r"patches = crops(pictures, (\1, \1), 2 * \2, np.random.default_rng(0))\3\n"
                  r"patches = patches @ [0.299, 0.587, 0.114] / 255\n"
                  r"patches = patches[np.argsort(-patches.var(axis=(1, 2)), kind='stable')[:\2]]",
                  body, flags=re.MULTILINE)
    body = re.sub(r"^net, pictures, out = load_some\(.*?, \(([\d, ]+)\)\)(.*)$",
                  r'net = mv.load("emoji-vgg")\npictures = Samples().images[[\1]]\2', body, flags=re.MULTILINE)
    body = re.sub(r"^nets, image, out = load_nets\([^(\n]*?(?:, (\(.+?\)))?\)$", several, body, flags=re.MULTILINE)
    body = re.sub(r"^out = own_options\(.*\)\n", "", body, flags=re.MULTILINE)
    body = re.sub(r"^pictures, labels, options = digits\([^)]*\)(?: .*)?$", DIGITS.strip(), body, flags=re.MULTILINE)
    body = body.replace("= outlined()", "= Samples().images, Samples().masks")
    body = body.replace("options.steps", "1200").replace("load_net(", "mv.load(")
    painting = rf'mv.read_image({DATA} / "strokes.png", \1)'
    body = re.sub(r"\bread\(PAINTING, (.+?)\)$", painting, body, flags=re.MULTILINE)
    return re.sub(r"^save\((?:out|options\.out), ", "drawn = show(", body, flags=re.MULTILINE) + "\ndrawn"


def several(match):
    names = match[1] or '("emoji-vgg", "emoji-vgg-robust")'
    picture = f'mv.read_image({DATA} / "goose.png")'
    return (f"nets = {{name: mv.load(name) for name in {names}}}\n"
            f'image = nets["emoji-vgg"].fit({picture}).image          # or a file of yours')


def loaded(match):
    net, _, arguments, comment = match.groups()
    name = found[1] if (found := re.search(r'net="([\w-]+)"', arguments)) else "emoji-vgg"
    picture = f'mv.read_image({DATA} / "goose.png"'
    lines = [] if net == "_" else [f'net = mv.load("{name}"){comment}']
    if "whole=True" in arguments:
        return "\n".join([*lines, f"image = {picture}, 224)                  # or a file of yours"])
    return "\n".join([*lines, f"image = net.fit({picture})).image          # or a file of yours"])


def cells(body):
    """The statements of a script in the groups that blank lines make."""
    return [part for part in re.split(r"\n\n+(?=\S)", body) if part.strip()]


def scrape(block, block_vars, gallery_conf):
    """sphinx-gallery's hook: the picture that a block has drawn."""
    from sphinx_gallery.scrapers import figure_rst

    drawn = block_vars["example_globals"].pop("drawn", None)
    if drawn is None:
        return ""
    path = next(block_vars["image_path_iterator"])
    drawn.save(path)
    return figure_rst([path], gallery_conf["src_dir"])
