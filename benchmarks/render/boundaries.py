"""The decision boundaries of every system on one sheet, from the grids of the first block."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.render import figure_style as style
from benchmarks.render.escape import write_csv
from benchmarks.render.material import Material
from benchmarks.render.tables import ordered

PER_ROW = 5
SHARED = {"squeeze": False, "sharex": True, "sharey": True}


def grids(material: Material, place: tuple[str, int]) -> dict[str, dict[str, np.ndarray]]:
    """system -> x (k,), y (k,), label (k, k), sure (k, k) in 0..1, in the table's order."""
    found = {}
    for system, arrays in material.arrays(place, "time"):
        grid = _grid(arrays)
        if grid:
            found[system] = grid
    order = ordered(material.at(place))["system"]
    return {system: found[system] for system in order if system in found}


def _grid(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parts of one panel, or {} if the arrays do not hold a grid."""
    if "grid_x" not in arrays or "grid_y" not in arrays:
        return {}
    shape = (len(arrays["grid_y"]), len(arrays["grid_x"]))
    if "grid_proba" in arrays:
        proba = arrays["grid_proba"].reshape(shape[0] * shape[1], -1)
        if proba.shape[1] == 1:  # one logistic output: P(second class)
            proba = np.column_stack([1 - proba, proba])
        labels, least = proba.argmax(axis=1), 1 / proba.shape[1]
        sure = np.clip((proba.max(axis=1) - least) / (1 - least), 0, 1)
    elif "grid_labels" in arrays:
        labels = arrays["grid_labels"].astype(int).ravel()
        sure = np.ones(labels.shape)
    else:
        return {}
    grid = {"label": labels.reshape(shape), "sure": sure.reshape(shape)}
    return {"x": arrays["grid_x"], "y": arrays["grid_y"]} | grid


def boundaries(
    material: Material, place: tuple[str, int], path: Path, picture: bool = True
) -> bool:
    """One panel per system; the paler, the less sure. False if there is nothing to draw."""
    found = grids(material, place)
    if not found:
        return False
    first = next(iter(found.values()))
    x, y = np.meshgrid(first["x"], first["y"])
    labels = {s: g["label"].ravel() for s, g in found.items() if g["label"].shape == x.shape}
    table = pd.DataFrame({"x1": x.ravel(), "x2": y.ravel()} | labels)
    write_csv(table, path.with_suffix(".csv"))
    if not picture:
        return True

    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(c) for c in style.CLASS_COLOURS])
    lines = material.at(place).set_index("system")
    rows = math.ceil(len(found) / PER_ROW)
    columns = min(PER_ROW, len(found))
    tall = np.ptp(first["y"]) / (np.ptp(first["x"]) or 1.0)
    fig, axes = style.figure(
        2.1 * columns,
        (1.95 * min(tall, 3.0) + 0.4) * rows,
        nrows=rows,
        ncols=columns,
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for axis in axes.ravel()[len(found) :]:
        axis.set_visible(False)
    for axis, (system, grid) in zip(axes.ravel(), found.items(), strict=False):
        paint = colours[grid["label"] % len(colours)]
        weight = 0.45 + 0.55 * grid["sure"][..., None]
        extent = (grid["x"][0], grid["x"][-1], grid["y"][0], grid["y"][-1])
        shades = weight * paint + (1 - weight)
        axis.imshow(shades, extent=extent, origin="lower", aspect="equal", interpolation="nearest")
        for label in np.unique(grid["label"]):
            inside = (grid["label"] == label).astype(float)
            if 0 < inside.mean() < 1:
                axis.contour(grid["x"], grid["y"], inside, [0.5], colors="black", linewidths=0.5)
        accuracy = lines["accuracy_test"].get(system)
        score = f"\nmean test accuracy {accuracy:.2f}" if pd.notna(accuracy) else ""
        axis.set_title(f"{system}{score}", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.locator_params(nbins=3)  # half of the time went into ticks
    for axis in axes[:, 0]:
        axis.set_ylabel("x2", fontsize=7)
    for column in range(columns):  # the lowest panel of a column, which may end a row early
        lowest = axes[(len(found) - 1 - column) // columns][column]
        lowest.set_xlabel("x1", fontsize=7)
        lowest.tick_params(labelbottom=True)
    style.save(fig, path)
    return True
