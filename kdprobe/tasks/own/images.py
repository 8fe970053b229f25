"""Images: folders of them, one a class, and single ones as arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.words import listed

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff")
MOST_BYTES = 2 << 30
"""Of all images as pixels: a sweep holds them several times."""
SMALLEST, LARGEST = 8, 512


def is_image_folder(path: Path) -> bool:
    """Whether a folder's folders hold images: ``class/one.png``."""
    return path.is_dir() and any(_pictures(inside) for inside in path.iterdir() if inside.is_dir())


def read_images(path: Path, *, size: int | None = None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the images (n, channels, height, width) uint8, the names of their folders (n,), and what was done in sentences.

    Parameters
    ----------
    path
        A folder whose folders are the classes.
    size
        Pixels a side that images are scaled to; None where all are of one size.

    Raises
    ------
    DataError
        If folders lie in folders or an image cannot be read, sizes differ, or there are more pixels than memory for them.
    """
    found: list[tuple[str, Path]] = []
    for folder in sorted(inside for inside in path.iterdir() if inside.is_dir() and not inside.name.startswith(".")):
        deeper = next((inside for inside in sorted(folder.iterdir()) if inside.is_dir() and _pictures(inside)), None)
        if deeper is not None:
            raise DataError(
                f"{path} holds folders of folders ({folder.name}/{deeper.name}): give the folder whose folders are the classes, "
                f"such as {path / folder.name}"
            )
        found += [(folder.name, file) for file in _pictures(folder)]
    classes = dict[str, None].fromkeys(name for name, _ in found)
    if len(classes) < 2:
        raise DataError(f"{path} has images in one folder alone ({listed(list(classes))}): give a folder for each class")
    x, said = as_pixels([file for _, file in found], size=size)
    loose = len(_pictures(path))
    said += (f"{loose} images beside the folders have no class and are left out.",) if loose else ()
    return x, np.array([name for name, _ in found]), said


def as_pixels(images: Sequence[Any], *, size: int | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return files, or images of Pillow, as one array (n, channels, height, width) uint8: of one channel where all are grey."""
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not SMALLEST <= size <= LARGEST):
        raise PlanError(f"image_size={size!r}: give pixels a side, from {SMALLEST} to {LARGEST}")
    shapes: dict[tuple[int, int], str] = {}
    grey, kept = True, list[np.ndarray]()
    held = 0
    for place, image in enumerate(images):
        name = str(image) if isinstance(image, Path) else f"image {place}"
        pixels, (width, height), colour = _opened(image, name, size)
        shapes.setdefault((width, height), name)
        if size is None and len(shapes) > 1:
            (one, first), (other, second) = list(shapes.items())[:2]
            sides = " and ".join(f"{file} has {w} × {h}" for (w, h), file in ((one, first), (other, second)))
            raise DataError(f"images differ in size ({sides} pixels): give --image-size 32, or another side that all are scaled to")
        grey &= not colour
        held += pixels.nbytes
        if held > MOST_BYTES:
            raise DataError(f"images come to more than {MOST_BYTES >> 30} GB of pixels by {name}: give a smaller --image-size, or fewer")
        kept.append(pixels)
    x = np.stack(kept).transpose(0, 3, 1, 2)
    x = np.ascontiguousarray(x[:, :1] if grey else x)
    how = "one channel, all are grey" if grey else "three channels"
    scaled = f", scaled from {len(shapes)} sizes" if size is not None and (len(shapes) > 1 or (size, size) not in shapes) else ""
    return x, (f"{len(x):,} images of {x.shape[3]} × {x.shape[2]} pixels, {how}{scaled}.",)


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES and file.is_file() and not file.name.startswith("."))


def _opened(image: Any, name: str, size: int | None) -> tuple[np.ndarray, tuple[int, int], bool]:
    """Pixels (height, width, 3), the size before any scaling, and whether there is a colour that is no grey."""
    from PIL import Image, UnidentifiedImageError

    try:
        opened: Any = Image.open(image) if isinstance(image, Path) else image
        before = opened.size
        coloured = opened.convert("RGB")
        if size is not None and before != (size, size):
            coloured = coloured.resize((size, size), Image.Resampling.BILINEAR)
        pixels = np.asarray(coloured, dtype=np.uint8)
        if isinstance(image, Path):
            opened.close()
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, AttributeError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is no image that can be read ({type(error).__name__}): mend it or take it out of the folder") from error
    return pixels, before, not ((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all())
