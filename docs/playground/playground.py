"""The engine behind the page: data sets, one model of mapicx, and what the page draws of it.

worker.js runs this file in the browser; it needs NumPy and mapicx alone, so the tests run it in
plain Python. What a reader got wrong raises ValueError with a sentence for the page.
"""

import inspect
import json
import time

import numpy as np

from mapicx import SGD, Adam, AdamW, Mapicx, RMSprop
from mapicx.datasets import spiral_data

MAX_POINTS, MIN_POINTS, MAX_CLASSES = 5000, 12, 6
MAX_LAYERS, MAX_NEURONS = 6, 256
OPTIMIZERS = {"sgd": SGD, "momentum": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
GALLERY = 24  # pixels along each side of a neuron's picture


# The sources of the next three functions are part of the program that a reader copies.


def circles(n, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, n), np.where(y == 0, 1, 0.5)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return X + rng.normal(0, 0.15, X.shape), y


def xor(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    flipped = rng.random(n) < 0.05
    return X, ((X[:, 0] * X[:, 1] < 0) ^ flipped).astype(int)


def split(points, seed):
    rows = [line.split(",") for line in points.strip().splitlines()]
    X = np.array([row[:2] for row in rows], float)
    X = (X - X.mean(0)) / X.std(0)
    y = np.unique([row[2] for row in rows], return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(len(X))
    test, train = np.split(order, [len(X) // 4])
    return X[train], y[train], X[test], y[test]


# The best accuracy that any classifier can reach on fresh points, by integration: the mean over
# the plane of the largest class's share.


def spiral_ceiling():
    """At every radius the arms are normal in the angle, 10 radians apart, deviation 0.5."""
    angle = np.linspace(-np.pi, np.pi, 20_001)
    turns = 2 * np.pi * np.arange(-3, 4)[:, None]
    arms = [np.angle(np.exp(1j * (angle - 10 * k))) for k in range(3)]
    densities = [np.exp(-0.5 * ((arm + turns) / 0.5) ** 2).sum(0) for arm in arms]
    return float(np.max(densities, axis=0).sum() / np.sum(densities))


def circles_ceiling():
    """The radius of a blurred circle's points has Rice's distribution."""
    r, variance = np.linspace(0, 2.5, 5001), 0.15**2
    densities = [
        r * np.exp(-(r * r + radius**2) / (2 * variance)) * np.i0(r * radius / variance)
        for radius in (1, 0.5)
    ]
    return float(np.max(densities, axis=0).sum() / np.sum(densities))


def xor_ceiling():
    """One label in twenty is wrong, wherever the point lies."""
    return 0.95


def read_points(text):
    """Pasted text as lines "x,y,label"; ValueError names the first line that is wrong."""
    lines = [(k, line.strip()) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ValueError("Paste your points first: each line an x, a y and a class.")
    separator = next((s for s in ("\t", ";", ",") if s in lines[-1][1]), None)
    rows, numbers = [], []
    for k, line in lines:
        cells = [cell.strip().strip("\"'") for cell in line.split(separator)]
        if len(cells) != 3:
            columns = f"{len(cells)} column" + ("" if len(cells) == 1 else "s")
            raise ValueError(
                f"Line {k} has {columns}: {line[:40]!r}. Three are expected: x, y and the class."
            )
        try:
            # Where a comma cannot separate cells, it is a decimal comma.
            point = [float(c if separator == "," else c.replace(",", ".")) for c in cells[:2]]
        except ValueError:
            if not rows and (k, line) == lines[0]:
                continue  # the names of the columns
            raise ValueError(
                f"Line {k} needs two numbers before the class, but is {line[:40]!r}."
            ) from None
        if not all(abs(value) < 1e15 for value in point):
            raise ValueError(f"Line {k} has a number that is missing or too large: {line[:40]!r}.")
        if not cells[2]:
            raise ValueError(f"Line {k} has no class: {line[:40]!r}.")
        numbers.append(point)
        label = cells[2].replace(",", ".").replace("\\", "/").replace('"', "'")
        rows.append(f"{point[0]!r},{point[1]!r},{label}")
    check_points(np.array(numbers), [row.split(",")[2] for row in rows])
    return "\n".join(rows)


def check_points(X, labels):
    """ValueError unless there is something to learn."""
    if not MIN_POINTS <= len(labels) <= MAX_POINTS:
        raise ValueError(
            f"There are {len(labels):,} points; from {MIN_POINTS} to {MAX_POINTS:,} are taken."
        )
    for name, column in zip("xy", X.T, strict=True):
        if np.ptp(column) == 0:
            raise ValueError(f"{name} is {column[0]:g} on every line, so it tells nothing apart.")
    values, counts = np.unique(labels, return_counts=True)
    names = values.tolist()
    if len(names) == 1:
        raise ValueError(f"Every point is of class {names[0]!r}; at least two classes are needed.")
    if len(names) > MAX_CLASSES:
        raise ValueError(
            f"The third column has {len(names)} different values; at most {MAX_CLASSES} classes"
            " can be shown. If it is a quantity, group it first."
        )
    if counts.min() < 2:
        rare = names[counts.argmin()]
        raise ValueError(f"Class {rare!r} has one point; each class needs at least two.")


def read_layers(text):
    """The sizes of hidden layers, such as "64, 64"; none is a straight-line classifier."""
    sizes = []
    for part in str(text).replace(",", " ").split():
        if not (part.isascii() and part.isdigit() and 1 <= int(part) <= MAX_NEURONS):
            raise ValueError(
                f"Hidden layers are whole numbers from 1 to {MAX_NEURONS}, such as 64, 64;"
                f" {part[:20]!r} is none."
            )
        sizes.append(int(part))
    if len(sizes) > MAX_LAYERS:
        raise ValueError(f"There are {len(sizes)} hidden layers; at most {MAX_LAYERS} are shown.")
    return sizes


class Session:
    """One reader's model in training. `settings`: the page's settings as JSON."""

    def __init__(self, settings):
        self.settings = s = json.loads(settings)
        self.hidden, self.seed = read_layers(s["layers"]), int(s["seed"])
        self.ceiling = None
        if s["data"] == "own":
            self.text = read_points(s["points"])
            self.X, self.y, self.X_test, self.y_test = split(self.text, self.seed)
            labels = [line.split(",")[2] for line in self.text.splitlines()]
            self.names = np.unique(labels).tolist()
        elif s["data"] == "spiral":
            self.X, self.y = spiral_data(100, 3, seed=self.seed)
            self.X_test, self.y_test = spiral_data(300, 3, seed=self.seed + 1)
            self.ceiling = spiral_ceiling()
        else:
            make, ceiling = {"circles": (circles, circles_ceiling), "xor": (xor, xor_ceiling)}[
                s["data"]
            ]
            self.X, self.y = make(300, self.seed)
            self.X_test, self.y_test = make(900, self.seed + 1)
            self.ceiling = ceiling()
        if s["data"] != "own":
            self.names = [f"class {k}" for k in range(self.y.max() + 1)]
        self.model = self.build()
        self.epochs, self.epoch_seconds = 0, 0.01
        reach = np.abs(self.X).max(0) * 1.08  # the part of the plane that is drawn
        self.reach = np.maximum(reach, reach.max() * 0.5)

    def build(self):
        """The model, as program() writes it down."""
        s, model, width = self.settings, Mapicx(seed=self.seed), 2
        for size in self.hidden:
            model.add(width, size, activation=s["activation"])
            if s["dropout"]:
                model.add(0, 0, layer="Dropout", rate=s["dropout"])
            width = size
        model.add(width, len(self.names), activation="softmax")
        optimizer = OPTIMIZERS[s["optimizer"]](**self.options())
        model.compile(optimizer=optimizer)
        return model

    def options(self):
        """The optimizer's arguments. AdamW has a weight decay of its own, so it is always told."""
        s = self.settings
        options = {"lr": s["lr"]}
        if s["optimizer"] == "momentum":
            options["momentum"] = 0.9
        if s["l2"] or s["optimizer"] == "adamw":
            options["weight_decay"] = s["l2"]
        return options

    def describe(self):
        """What the page shows before the first epoch."""
        return {
            "points": np.ascontiguousarray(self.X, np.float32).ravel(),
            "labels": self.y.astype(np.uint8),
            "names": self.names,
            "ceiling": self.ceiling,
            "reach": self.reach.tolist(),
            "sizes": [2, *self.hidden, len(self.names)],
            "parameters": self.model.network.parameters.size,
            **self.scores(),
        }

    def train(self, seconds):
        """As many epochs as fit into `seconds`, at least one (0: exactly one); the scores."""
        epochs = max(1, min(200, int(seconds / self.epoch_seconds)))
        start = time.perf_counter()
        batch_size = self.settings["batch"] or None
        try:
            self.model.fit(self.X, self.y, epochs, batch_size=batch_size, verbose=False)
        except FloatingPointError as error:
            raise ValueError(f"The {error}. Take a smaller learning rate, then reset.") from None
        self.epoch_seconds = (time.perf_counter() - start) / epochs
        self.epochs += epochs
        return self.scores()

    def scores(self):
        """Loss and accuracy with dropout off, on the training points and on fresh ones."""
        train = self.model.evaluate(self.X, self.y)
        test = self.model.evaluate(self.X_test, self.y_test)
        return {
            "epoch": self.epochs,
            "milliseconds": 1000 * self.epoch_seconds,
            "loss": float(train["loss"]),
            "accuracy": float(train["accuracy"]),
            "test_loss": float(test["loss"]),
            "test_accuracy": float(test["accuracy"]),
        }

    def plane(self, side):
        """The middles of side x side squares, row by row from the top left."""
        middles = (np.arange(side) + 0.5) / side * 2 - 1
        x, y = np.meshgrid(middles * self.reach[0], -middles * self.reach[1])
        return np.column_stack([x.ravel(), y.ravel()])

    def boundary(self, side):
        """The probability of each class at each square, one class after the other."""
        return {"side": side, "shares": np.float32(self.model.predict(self.plane(side)).T).ravel()}

    def look(self, index):
        """Inside dense layer `index`: weights, their gradients, what each neuron sees."""
        layers = self.model.network.layers
        places = [
            k for k, layer in enumerate(layers) if getattr(layer, "weights", None) is not None
        ]
        place = places[min(index, len(places) - 1)]
        self.model.network.loss_and_gradients(self.X, self.y)
        dense, after = layers[place], layers[place + 1]
        result = {
            "index": places.index(place),
            "shape": list(dense.weights.shape),
            "weights": np.float32(dense.weights).ravel(),
            "gradients": np.float32(dense.dweights).ravel(),
        }
        self.model.network.forward(self.plane(GALLERY))
        return {
            **result,
            "side": GALLERY,
            "outputs": np.float32(np.transpose(after.output)).ravel(),
        }

    def program(self):
        """The Python program that trains the same model, with the same result."""
        s, own = self.settings, self.settings["data"] == "own"
        kind = OPTIMIZERS[s["optimizer"]].__name__
        numpy = "" if s["data"] == "spiral" else "import numpy as np\n"
        lines = [f"{numpy}from mapicx import {', '.join(sorted([kind, 'Mapicx']))}"]
        if s["data"] == "spiral":
            lines += ["from mapicx.datasets import spiral_data", ""]
            lines += [f"X, y = spiral_data(samples=100, classes=3, seed={self.seed})"]
            test = f"*spiral_data(samples=300, classes=3, seed={self.seed + 1})"
        elif own:
            lines += ["", f'points = """\n{self.text}\n"""', "", inspect.getsource(split), ""]
            lines += [f"X, y, X_test, y_test = split(points, seed={self.seed})"]
            test = "X_test, y_test"
        else:
            make = {"circles": circles, "xor": xor}[s["data"]]
            lines += ["", "", inspect.getsource(make), ""]
            lines += [f"X, y = {s['data']}(300, seed={self.seed})"]
            test = f"*{s['data']}(900, seed={self.seed + 1})"
        lines += [f"model = Mapicx(seed={self.seed})"]
        width = 2
        for size in self.hidden:
            lines += [f'model.add({width}, {size}, activation="{s["activation"]}")']
            if s["dropout"]:
                lines += [f'model.add(0, 0, layer="Dropout", rate={s["dropout"]})']
            width = size
        options = ", ".join(f"{name}={value!r}" for name, value in self.options().items())
        epochs = self.epochs or 300
        batch = f", batch_size={s['batch']}" if s["batch"] else ""
        lines += [
            f'model.add({width}, {len(self.names)}, activation="softmax")',
            f"model.compile(optimizer={kind}({options}))",
            f"model.fit(X, y, epochs={epochs}, print_every={max(1, epochs // 10)}{batch})",
            f"print(model.evaluate({test}))",
        ]
        return "\n".join(lines) + "\n"
