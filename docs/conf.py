"""Settings of Sphinx. ``TCPIP_DOCS_INTERSPHINX=1`` links to Python's documentation, which needs a network."""

import os

import tcpip_core

project = "tcpip"
author = "tcpip developers"
copyright = "2026, tcpip developers"
version = release = tcpip_core.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build", "benchmarks", "changes", "examples"]
default_role = "py:obj"  # in docstrings a name in single backticks is a link, or at least code
html_theme = "furo"
html_title = f"tcpip {release}"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

numpydoc_show_class_members = False  # autodoc does that
numpydoc_class_members_toctree = False

nitpick_ignore_regex = [
    (r"py:.*", r"tcpip_\w+\.(.*\.)?_.*"),
    (r"py:.*", r"hypothesis\..*"),
    (r"py:class", "Ts"),  # a type variable of a signature
    (r"py:obj", r"[a-z_]+"),  # a parameter, or a method that this class inherits
]
if os.environ.get("TCPIP_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {"python": ("https://docs.python.org/3", None)}
else:
    standard_library = (
        "abc|asyncio|collections|contextlib|contextvars|ctypes|enum|json|logging|os|pathlib|random|re|socket|ssl|types|typing|"
        "unittest"
    )
    nitpick_ignore_regex += [
        (r"py:.*", rf"({standard_library})(\..*)?"),
        (r"py:.*", r"[a-z]+|[A-Z]\w*Error|[A-Z]\w*Warning|None|True|False"),
    ]
