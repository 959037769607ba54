"""Links from code to the package's reference, where sphinx-codeautolink and autodoc need help with it."""

from sphinx.util.nodes import make_refnode
from sphinx_codeautolink.extension.block import CodeBlockAnalyser
from sphinx_codeautolink.extension.cache import DataCache


def setup(app):
    """Register with Sphinx."""
    app.connect("missing-reference", _short_name)
    app.connect("autodoc-process-docstring", _own_words, priority=400)  # before napoleon
    app.connect("builder-inited", _remember, priority=100)  # before the extension's own
    CodeBlockAnalyser.depart_section = _depart_section
    return {"parallel_read_safe": True}


def _remember(app):
    """The extension's cache forgets pages that are not .rst: those rendered again unread would lose their links."""
    before = getattr(app.env, "sphinx_codeautolink_transforms", {})
    DataCache.read = lambda cache: cache.transforms.update(before)


def _own_words(app, what, name, obj, options, lines):
    """A dict or tuple brings the text of its class; a colon makes napoleon take what is before it for a type."""
    if what == "data" and lines and lines[0] in (type(obj).__doc__ or "").splitlines():
        lines.clear()
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # an empty comment


def _depart_section(self, node):
    """Exercises are sections without a title, which the analyser does not expect."""
    if any(child.tagname == "title" for child in node.children):
        self.title_stack.pop()


def _short_name(app, env, node, contnode):
    """Docstrings say ``cross_fit`` or ``naive.matched``: find the name wherever in the package it lives."""
    domain = env.get_domain("py")
    ends = f".{node.get('reftarget', '')}"
    homes = [name for name in domain.objects if name.startswith("tutorial_pkg.") and name.endswith(ends)]
    if node.get("refdomain") != "py" or not homes:
        return None
    home = domain.objects[min(homes, key=len)]
    return make_refnode(app.builder, node["refdoc"], home.docname, home.node_id, contnode)
