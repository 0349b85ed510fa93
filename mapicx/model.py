"""Mapicx: a network that is built layer by layer."""

from __future__ import annotations

from typing import Any

from mapicx import callbacks, validation
from mapicx.data import copy_deep
from mapicx.layers import ACTIVATIONS, LAYERS, Dense, Dropout, Layer
from mapicx.losses import LOSSES, Loss
from mapicx.network import NeuralNetwork
from mapicx.optimizers import OPTIMIZERS, Optimizer


class Mapicx:
    """Add layers, compile, fit, predict.

    X is (samples, features); y holds class indices, strings, booleans, or one column per output.
    Wrong data raise ValueError before anything is trained. What is not defined here is the
    network's: `model.parameters`, `model.optimizer`, `model.forward(X)`.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        Decides all that is left to chance.
    dtype : {"float32", "float64"}
    eager : bool
        Run the layers' own lines in every step, for breakpoints and print; otherwise a step is
        recorded and replayed (recorder.py). The numbers are the same, bit for bit.

    Examples
    --------
    >>> from mapicx import Adam, Mapicx
    >>> from mapicx.datasets import spiral_data
    >>> X, y = spiral_data(100, 3, seed=0)
    >>> model = Mapicx(seed=0).add(2, 64).add(64, 3, activation="Softmax").compile(Adam(0.05))
    >>> history = model.fit(X, y, epochs=100, verbose=False)
    >>> model.score(X, y) > 0.7  # each method's example goes on from here
    True
    """

    def __init__(self, seed: Any = None, dtype: Any = "float32", *, eager: bool = False) -> None:
        self.dtype, self.rng = validation.check_dtype(dtype), validation.make_rng(seed)
        self.layers, self.eager = list[Layer](), eager
        self.history = callbacks.History()
        self._network: NeuralNetwork | None = None

    @property
    def network(self) -> NeuralNetwork:
        """The network that compile has made; ValueError before.

        Examples
        --------
        >>> model.network.parameters.size
        387
        """
        if self._network is None:
            raise ValueError("the model is not compiled; call compile() after add()")
        return self._network

    def __getattr__(self, name: str) -> Any:
        if name[0] == "_" or not (hasattr(NeuralNetwork, name) or self._network):
            raise AttributeError(f"Mapicx has no attribute {name!r}, or not before compile()")
        return getattr(self.network, name)

    def add(self, n_features: Any, n_neurons: Any = 0, layer: Any = "Dense",
            activation: Any = "Relu", rate: Any = 0.0, *, init: str = "he") -> Mapicx:  # fmt: skip
        """Add a Dense layer with its activation, a Dropout layer of `rate`, or a layer object.

        `activation` is a name, a layer object, or None (as "linear": none, for the last layer of a
        regression). Compile afterwards. Returns the model.

        Examples
        --------
        >>> model = Mapicx().add(2, 64).add(0, layer="Dropout", rate=0.1).add(64, 3)
        """
        if isinstance(n_features, Layer):
            new = [n_features]
        elif validation.choose("layer", layer, LAYERS) is Dropout:
            new = [Dropout(rate)]
        else:
            new = [Dense(n_features, n_neurons, init=init)]
            if isinstance(activation, Layer) or str(activation).lower() not in ("none", "linear"):
                new.append(validation.choose_object("activation", activation, ACTIVATIONS, Layer))
        validation.check_sizes([*self.layers, *new])
        self._network, self.layers = None, [*self.layers, *new]
        return self

    def compile(self, optimizer: Any = "sgd", loss: Any = "categorical_crossentropy",
                metrics: Any = ("accuracy",)) -> Mapicx:  # fmt: skip
        """Make the network; weights that exist are kept, the optimizer starts clean.

        Names or objects; `metrics` is "accuracy", or empty. Returns the model.

        Examples
        --------
        >>> model = model.compile("adam", metrics=())
        """
        optimizer = validation.choose_object("optimizer", optimizer, OPTIMIZERS, Optimizer)
        loss = validation.choose_object("loss", loss, LOSSES, Loss)
        options: Any = {"seed": self.rng, "dtype": self.dtype, "eager": self.eager}
        self._network = NeuralNetwork(self.layers, loss, optimizer, metrics=metrics, **options)
        return self

    fit, train_on_batch, score = callbacks.fit, callbacks.train_on_batch, callbacks.score
    partial_fit, evaluate = callbacks.partial_fit, callbacks.evaluate
    predict, predict_classes = callbacks.predict, callbacks.predict_classes
    save, summary, __repr__ = callbacks.save, callbacks.summary, callbacks.describe_model
    __copy__, __setattr__ = copy_deep, callbacks.set_attribute


def load(path: Any, *, layers: dict[str, type[Layer]] | None = None) -> Mapicx:
    """The model that `save` wrote.

    Parameters
    ----------
    path : path of the file
    layers : dict from names to a user's own layer classes, load(path, layers={"Swish": Swish})
        They come back with plain attributes and weights; no constructor is called.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is no whole, finite model.

    Examples
    --------
    >>> model.save("spiral.npz")
    >>> load("spiral.npz").score(X, y) == model.score(X, y)
    True
    """
    from mapicx import files

    return files.read_model(path, Mapicx, layers or {})
