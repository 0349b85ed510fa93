"""Mapicx, the face of the package: a network that is built layer by layer."""

from mapicx import targets
from mapicx.callbacks import History
from mapicx.layers import ACTIVATIONS, KINDS, Dense, Dropout, Layer
from mapicx.losses import LOSSES
from mapicx.network import NeuralNetwork
from mapicx.optimizers import OPTIMIZERS


class Mapicx(NeuralNetwork):
    """Add layers, compile, fit, predict.

    `seed` (None or a whole number) decides all that is left to chance; `dtype` is float32 or
    float64. X is (samples, features); y holds class indices, strings, booleans, or one column per
    output. Anything wrong raises ValueError with a sentence and changes nothing.
    """

    def __init__(self, seed=None, dtype="float32"):
        self.dtype, self.rng = targets.check_dtype(dtype), targets.make_rng(seed)
        self.layers, self.history = [], History()

    def add(
        self, n_features, n_neurons=0, layer="Dense", activation="Relu", rate=0.0, *, init="he"
    ):
        """Add a Dense layer with its activation, a Dropout layer of `rate`, or a layer object.

        `activation` is a name, a layer object, or None (as "linear": none, for the last layer of a
        regression). Compile afterwards.
        """
        if isinstance(n_features, Layer):
            new = [n_features]
        elif targets.choose("layer", layer, KINDS) is Dropout:
            new = [Dropout(rate)]
        else:
            new = [Dense(n_features, n_neurons, init=init)]
            if not (isinstance(activation, Layer) or str(activation).lower() in ("none", "linear")):
                activation = targets.choose("activation", activation, ACTIVATIONS)()
            new += [activation] if isinstance(activation, Layer) else []
        targets.check_sizes([*self.layers, *new])
        self.layers, self.parameters = [*self.layers, *new], None
        return self

    def compile(self, optimizer="sgd", loss="categorical_crossentropy", metrics=("accuracy",)):
        """Make the network; weights that exist are kept, the optimizer starts clean."""
        if isinstance(optimizer, str):
            optimizer = targets.choose("optimizer", optimizer, OPTIMIZERS)()
        if isinstance(loss, str):
            loss = targets.choose("loss", loss, LOSSES)()
        metrics = tuple(targets.choose("metric", name, ["accuracy"]) for name in metrics)
        self._assemble(self.layers, loss, optimizer, metrics)
        return self

    @property
    def network(self):
        """The network that compile has made (this object); ValueError before."""
        targets.check_assembled(self)
        return self

    def partial_fit(self, X, y, classes=None):
        """One update on all of X, as `train_on_batch`; returns the model."""
        self.train_on_batch(X, y, classes)
        return self

    def predict_classes(self, X):
        """The label of each sample; yes or no (1 or 0) for each of several Sigmoid outputs."""
        return targets.to_classes(self.predict(X).T, self.loss, self.classes)

    def score(self, X, y):
        """The accuracy of a classification; R^2 of a regression (1: perfect, 0: as the mean)."""
        data, _ = targets.make_data(self, X, y)
        return targets.score(self.predict(X).T, data.targets, self.loss)

    def summary(self):
        """Print, and return, a table of the layers and their numbers of parameters."""
        counts = [sum(a.size for a in layer.arrays().values()) for layer in self.layers]
        rows = [*zip(map(repr, self.layers), counts, strict=True), ("total", sum(counts))]
        text = "\n".join(f"{name:<60}{count:>12,}" for name, count in rows)
        print(text)
        return text

    def save(self, path):
        """Write a file that `mapicx.load` reads; training resumes from it bit for bit."""
        from mapicx.files import save

        save(self, path)
