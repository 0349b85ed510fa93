"""python -m mapicx: train the spiral and watch the decision boundary grow in the terminal."""

from __future__ import annotations

import shutil
import sys

import numpy as np

from mapicx.data import Array
from mapicx.datasets import spiral_data
from mapicx.model import Mapicx
from mapicx.optimizers import Adam

COLUMNS, ROWS = 64, 28  # where there is room for them


def fit_to_terminal(columns: int, lines: int) -> tuple[int, int]:
    """(columns, rows) of the picture, in one shape; a column and two lines stay free."""
    share = min(1, (columns - 1) / COLUMNS, (lines - 2) / ROWS)
    return max(2, int(COLUMNS * share)), max(2, int(ROWS * share))


def draw(model: Mapicx, X: Array, y: Array, columns: int, rows: int) -> str:
    """The plane from -1 to 1 as text: the class of each place, and the samples as letters."""
    across, down = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(1, -1, rows))
    classes = model.predict_classes(np.column_stack([across.ravel(), down.ravel()]))
    field = np.array(list(".:+"))[classes].reshape(rows, columns)
    place = np.rint((X * (1, -1) + 1) / 2 * (columns - 1, rows - 1)).astype(int)
    field[place[:, 1], place[:, 0]] = np.array(list("ABC"))[y]
    return "\n".join("".join(row) for row in field)


def main(epochs: int = 600, frames: int = 12) -> None:
    """Train 2-64-64-3 with Adam; on a terminal each picture is drawn over the last one."""
    terminal = shutil.get_terminal_size((COLUMNS + 1, ROWS + 2))
    columns, rows = fit_to_terminal(*terminal)
    X, y = spiral_data(100, 3, seed=0)
    model = Mapicx(seed=0).add(2, 64).add(64, 64).add(64, 3, activation="Softmax")
    model.compile(Adam(0.02, weight_decay=1e-3))
    for frame in range(frames):
        history = model.fit(X, y, epochs // frames, verbose=False).history
        over = f"\x1b[{rows + 1}A" if frame and sys.stdout.isatty() else ""
        line = f"epoch {(frame + 1) * (epochs // frames):4}"
        for name, values in history.items():
            value = f"  {name} {values[-1]:.3f}"
            line += value if len(line + value) < terminal.columns else ""
        print(f"{over}{draw(model, X, y, columns, rows)}\n{line}")


if __name__ == "__main__":
    main()
