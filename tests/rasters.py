"""Pictures as tests compare them."""

import io

import numpy as np
from PIL import Image, ImageChops


def image(png):
    return Image.open(io.BytesIO(png))


def distance(a, b):
    """Percent of Manhattan distance, as pytest-regressions counts."""
    return 100 * np.mean(ImageChops.difference(image(a), image(b))) / 255
