"""A server extension of Jupyter: `make study`'s own style sheet, where the learner has none of that name."""

from pathlib import Path

STYLES = Path(__file__).parent / "jupyter" / "custom"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server) -> None:
    server.web_app.settings["static_custom_path"].append(str(STYLES))  # searched from the first to the last
