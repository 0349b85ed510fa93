"""python -m mapicx: train the spiral and watch the decision boundary grow in the terminal."""

import sys

import numpy as np

from mapicx import Adam, Mapicx
from mapicx.datasets import spiral_data

COLUMNS, ROWS = 64, 28


def draw(model: Mapicx, X: np.ndarray, y: np.ndarray) -> str:
    """The plane from -1 to 1 as text: the class of each place, and the samples as letters."""
    across, down = np.meshgrid(np.linspace(-1, 1, COLUMNS), np.linspace(1, -1, ROWS))
    classes = model.predict_classes(np.column_stack([across.ravel(), down.ravel()]))
    field = np.array(list(".:+"))[classes].reshape(ROWS, COLUMNS)
    place = np.rint((X * (1, -1) + 1) / 2 * (COLUMNS - 1, ROWS - 1)).astype(int)
    field[place[:, 1], place[:, 0]] = np.array(list("ABC"))[y]
    return "\n".join("".join(row) for row in field)


def main(epochs: int = 600, frames: int = 12) -> None:
    """Train 2-64-64-3 with Adam; on a terminal each picture is drawn over the last one."""
    X, y = spiral_data(100, 3, seed=0)
    model = Mapicx(seed=0).add(2, 64).add(64, 64).add(64, 3, activation="Softmax")
    model.compile(Adam(0.02, weight_decay=1e-3))
    for frame in range(frames):
        history = model.fit(X, y, epochs // frames, verbose=False).history
        over = f"\x1b[{ROWS + 1}A" if frame and sys.stdout.isatty() else ""
        values = "  ".join(f"{name} {values[-1]:.3f}" for name, values in history.items())
        print(f"{over}{draw(model, X, y)}\nepoch {(frame + 1) * (epochs // frames):4}  {values}")


if __name__ == "__main__":
    main()
