"""How Sphinx builds this site. `make docs` calls it; what is no page is made by `made.py` before the pages are read."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
# kernels of the notebooks import this checkout too
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

import made

import kdprobe

made.everything()

project = "kdprobe"
author = "the authors of kdprobe"
release = version = kdprobe.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "sphinx_design"]
exclude_patterns = ["conf.py", "made.py", "links.py", "theme", "_build"]
templates_path = ["theme"]

# pages are Markdown; a heading is a target for links
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# notebooks run when the site is built, once for each state of the package
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed" / made.fingerprint())
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_ipywidgets_js = {}  # there are no widgets, and nothing is to be asked of the net

# the API: its lists are made from what the package exports
autosummary_generate = True
autosummary_filename_map = made.files()
autodoc_typehints = "none"  # the signature and the docstring say it
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"kdprobe {release}"
html_sidebars = {"index": [], "start": [], "concepts": []}  # pages with nothing below them
html_static_path = ["theme/static"]
html_css_files = ["site.css"]
html_extra_path = [str(made.MADE / "copied")]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
}
html_context = {"default_mode": "auto"}
project_copyright = "the authors of kdprobe; Apache-2.0"
