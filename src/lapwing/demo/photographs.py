"""Four photographs without people that ship inside well-known wheels.

china.jpg and flower.jpg come with scikit-learn, coffee.png and chelsea.png (a cat) with
scikit-image. The packages are located, never imported: that would cost seconds and memory.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from lapwing.model.errors import InvalidInput

_PLACES = {
    "china": ("scikit-learn", "sklearn", "datasets/images/china.jpg"),
    "flower": ("scikit-learn", "sklearn", "datasets/images/flower.jpg"),
    "coffee": ("scikit-image", "skimage", "data/coffee.png"),
    "chelsea": ("scikit-image", "skimage", "data/chelsea.png"),
}


def photographs() -> dict[str, Path]:
    """Name to file of the four photographs; InvalidInput names the package that is missing."""
    return {name: _find(*place) for name, place in _PLACES.items()}


def _find(distribution: str, package: str, inside: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InvalidInput(
            f"the photographs of the demo come with {distribution}, which is not installed: "
            f"pip install {distribution}",
            field=distribution,
        )
    path = Path(spec.submodule_search_locations[0]) / inside
    if not path.is_file():
        raise InvalidInput(
            f"the installed {distribution} has no {inside}; another version of it may",
            field=distribution,
        )
    return path
