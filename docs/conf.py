"""How Sphinx builds the site: `python3 run.py docs`. Pages that are made from the code come from docs/build_pages."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from build_pages import demos  # noqa: E402

from minivis.version import __version__  # noqa: E402

project = "minivis"
author = "the minivis authors"
project_copyright = "the minivis authors, MIT licence"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc", "numpydoc", "myst_parser", "sphinx_design", "sphinx_copybutton", "sphinx_gallery.gen_gallery",
    "build_pages",
]  # fmt: skip
exclude_patterns = ["_build", "build_pages", "**.ipynb", "gallery/*.py", "gallery/**.md5", "**/sg_execution_times.rst"]
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]        # types and single words in backticks, which need not be pages

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]            # the gallery's settings hold functions

smartquotes_action = "q"                       # two hyphens begin an option and are no dash
autodoc_typehints = "none"                      # the parameters' own texts say it, in words
maximum_signature_line_length = 80
autodoc_member_order = "bysource"
numpydoc_show_class_members = False             # a class lists its own members, below its text
numpydoc_xref_param_type = False
copybutton_exclude = ".linenos, .gp, .go"

sphinx_gallery_conf = {
    "examples_dirs": str(demos.SCRIPTS),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\d\d_",
    "image_scrapers": ("build_pages.demos.scrape",),
    "capture_repr": (),
    "reset_modules": (),
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "write_computation_times": False,
    "thumbnail_size": (640, 240),
    "remove_config_comments": True,
    "download_all_examples": True,
    "first_notebook_cell": "# needs minivis:   %pip install minivis",
    "within_subsection_order": "FileNameSortKey",
}

html_theme = "pydata_sphinx_theme"
html_title = "minivis"
html_favicon = html_logo = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["minivis.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "minivis"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "default",
    "pygments_dark_style": "github-dark",
    "back_to_top_button": False,
}
html_sidebars = {"index": []}
