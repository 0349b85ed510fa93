"""The documents as a site: python -m sphinx -W -b html docs _site

Every warning is an error. The playground is built into the site by its own command, because its
page holds the engine's wheel: python docs/playground/build.py --output _site/playground
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from artifact_table import write_table  # noqa: E402

import mapicx  # noqa: E402

project = "mapicx"
author = "The mapicx maintainers"
release = version = mapicx.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["package.md", "playground", "_generated"]
html_theme = "furo"
html_title = "mapicx"
napoleon_numpy_docstring, napoleon_google_docstring = True, False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say them in words
autodoc_default_options = {"members": True}


def setup(app):
    """Write what is generated before anything is read."""
    app.connect(
        "builder-inited", lambda app: write_table(ROOT / "docs" / "_generated" / "artifact.md")
    )
