"""mapicx: neural networks in NumPy alone, small enough to read in an evening."""

from mapicx.callbacks import EarlyStopping, History
from mapicx.layers import Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from mapicx.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError
from mapicx.model import Mapicx, load
from mapicx.network import NeuralNetwork
from mapicx.optimizers import SGD, Adam, AdamW, RMSprop

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    if name in ("MapicxClassifier", "MapicxRegressor"):  # only these need scikit-learn
        from mapicx import sklearn

        return getattr(sklearn, name)
    if name == "Sequential":
        raise ImportError("mapicx has no Sequential; write Mapicx().add(2, 64).add(64, 3, ...)")
    raise AttributeError(f"module 'mapicx' has no attribute {name!r}")
