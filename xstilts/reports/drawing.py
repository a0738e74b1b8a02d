"""How figures look, and how altair's charts become SVG and PNG: no browser, no network, no script.

Import this module only where a report is rendered: it loads altair.
"""

import functools
import html
import io
import re
from typing import Any, Final

import altair as alt
import numpy as np

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, SOFT, GREY, GRID = "#1f2328", "#6b7280", "#e6e6e3", "#ececE8"
BASE_INK = "#9a9a95"  # of the baseline, and of what is not the point
LOSS_TO_GAIN = ("#a6480f", "#e59a5c", "#f7f5f0", "#7fb0d3", "#1d5f96")
INKS = (
    "#1d5f96", "#d9822b", "#2f8f6b", "#b2497e", "#7a5ea8", "#b8a11f", "#4fa3c7", "#6b4a2f",
    "#d46a6a", "#88b04b", "#3b3b98", "#c39bd3",
)  # fmt: skip
STRONG = 0.78  # share of the strongest value from which on white is read better on a tile than ink
QUIET: Final[dict[str, Any]] = {
    "domain": False, "ticks": False, "titleFontWeight": "normal", "titleColor": SOFT,
}  # fmt: skip
_SHARP = 2  # pixels of a PNG to a pixel of the SVG

_PAINT = re.compile(
    r'\b(fill|stroke|stop-color)="(#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3}|rgb\(\d+, \d+, \d+\))"'
)
_SWAPPED = re.compile(r"var\(--x([0-9a-f]{6})")
_TO_XYZ = np.array(  # sRGB with the white of D65, IEC 61966-2-1
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
     [0.0193339, 0.119192, 0.9503041]]
)  # fmt: skip
_WHITE = _TO_XYZ.sum(axis=1)


def inline(chart: Any, name: str, label: str) -> str:
    """A chart as SVG for a page: read aloud as ``label``, and dark on a dark page.

    Ids are made unique to the figure, since one page holds many. Every colour is a variable whose
    value on a dark page :func:`night_styles` gives.
    """
    prefix = re.sub(r"[^a-z0-9]+", "-", name.lower())
    text = re.sub(r'(\bid="|url\(#)', rf"\g<1>{prefix}-", _svg(chart, "transparent"))
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    return _labelled(_PAINT.sub(_swappable, text), label)


def file_svg(chart: Any, label: str) -> bytes:
    """A chart as an SVG file, dark on white."""
    return _labelled(_svg(chart, "#ffffff"), label).encode()


def file_png(chart: Any) -> bytes:
    """A chart as a PNG file, two pixels for each one of the SVG, on white."""
    out = io.BytesIO()
    _styled(chart, "#ffffff").save(out, format="png", scale_factor=_SHARP)
    return out.getvalue()


def night_styles(page: str) -> str:
    """CSS that gives every colour of the inline figures of a page its value on a dark one."""
    found = sorted(set(_SWAPPED.findall(page)))
    return "".join(f"--x{colour}:{night(f'#{colour}')};" for colour in found)


@functools.cache
def night(colour: str) -> str:
    """The colour of ``#rrggbb`` on a dark page: dark for light in CIELAB, of the same hue.

    Lightness L becomes 97 - 0.9 L, so that white gives the dark of the page and black almost
    white; what leaves sRGB by that is clipped to it. Colours that tell series apart only get
    lighter.
    """
    lightness, *hue = _lab(np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255)
    turned = 97 - 0.9 * lightness
    if colour in INKS or colour == BASE_INK:
        turned = max(turned, lightness)
    return "#" + "".join(f"{round(255 * part):02x}" for part in _rgb(turned, *hue))


def _swappable(found: re.Match[str]) -> str:
    attribute, colour = found.groups()
    if colour.startswith("rgb"):
        colour = "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour))
    elif len(colour) == 4:
        colour = "#" + "".join(2 * digit for digit in colour[1:])
    colour = colour.lower()
    return f'{attribute}="var(--x{colour[1:]},{colour})"'


def _labelled(text: str, label: str) -> str:
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def _svg(chart: Any, background: str) -> str:
    out = io.StringIO()
    _styled(chart, background).save(out, format="svg")
    return out.getvalue()


def _styled(chart: Any, background: str) -> alt.TopLevelMixin:
    styled: alt.TopLevelMixin = chart.configure(
        font=FONT, background=background, aria=False
    ).configure_view(stroke=None).configure_title(
        fontSize=14, subtitleFontSize=12, subtitleColor=SOFT, color=INK, subtitlePadding=5
    ).configure_axis(labelColor=INK, labelFontSize=11)  # fmt: skip
    return styled


def _lab(rgb: Any) -> Any:
    """CIELAB (CIE 15) of sRGB values in 0-1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    share = _TO_XYZ @ linear / _WHITE
    x, y, z = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _rgb(lightness: float, a: float, b: float) -> Any:
    y = (lightness + 16) / 116
    root = np.array([y + a / 500, y, y - b / 200])
    share = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29))
    linear = np.clip(np.linalg.solve(_TO_XYZ, share * _WHITE), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
