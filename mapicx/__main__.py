"""python -m mapicx: train the spiral and watch the decision boundary grow in the terminal."""

import shutil
import sys

import numpy as np

from mapicx.data import Array
from mapicx.datasets import spiral_data
from mapicx.model import Mapicx
from mapicx.optimizers import Adam

COLUMNS, ROWS = 64, 28  # of the picture, where there is room


def draw(model: Mapicx, X: Array, y: Array, columns: int, rows: int) -> str:
    """The plane as text: the class of each place, samples as letters."""
    across, down = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(1, -1, rows))
    classes = model.predict_classes(np.column_stack([across.ravel(), down.ravel()]))
    field = np.array(list(".:+"))[classes].reshape(rows, columns)
    place = np.rint((X * (1, -1) + 1) / 2 * (columns - 1, rows - 1)).astype(int)
    field[place[:, 1], place[:, 0]] = np.array(list("ABC"))[y]
    return "\n".join("".join(row) for row in field)


def main(epochs: int = 600, frames: int = 12) -> None:
    terminal = shutil.get_terminal_size((COLUMNS + 1, ROWS + 3))
    # In one shape; a column and three lines stay free.
    share = min(1, (terminal.columns - 1) / COLUMNS, (terminal.lines - 3) / ROWS)
    columns, rows = (max(2, int(size * share)) for size in (COLUMNS, ROWS))
    X, y = spiral_data(100, 3, seed=0)
    model = Mapicx(seed=0).add(2, 64).add(64, 64).add(64, 3, activation="Softmax")
    model.compile(Adam(0.02, weight_decay=1e-3))
    live = sys.stdout.isatty()
    print("A B C: samples; . : + where the network sees them"[: terminal.columns - 1])
    for frame in range(frames):
        history = model.fit(X, y, epochs // frames, verbose=False).history
        line = f"epoch {(frame + 1) * (epochs // frames):4}"
        for name, values in history.items():
            value = f"  {name} {values[-1]:.3f}"
            line += value if len(line + value) < terminal.columns else ""
        if live and frame:
            print(f"\x1b[{rows + 1}A", end="")
        if live or frame == frames - 1:
            print(draw(model, X, y, columns, rows))
        print(line)


if __name__ == "__main__":
    main()
