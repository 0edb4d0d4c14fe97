"""The pictures that questions show, one module each, with `draw(axes)`."""

import re
from importlib import import_module
from io import BytesIO
from pathlib import Path

PICTURE = re.compile(r"picture:([a-z]\w*)")  # how a question's Markdown names one
PICTURES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def picture(name: str) -> bytes:
    """The picture as PNG.

    Its words are Latin letters and signs, for matplotlib's own font has no Chinese; the question, in either
    language, says what they mean.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    import_module(f"{__name__}.{name}").draw(figure.subplots())
    png = BytesIO()
    figure.savefig(png, format="png", dpi=100, metadata={"Software": None})
    return png.getvalue()
