"""mapicx: neural networks in NumPy alone, small enough to read in an evening."""

from mapicx.callbacks import EarlyStopping, History
from mapicx.layers import Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from mapicx.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError
from mapicx.model import Mapicx, load
from mapicx.network import NeuralNetwork
from mapicx.optimizers import SGD, Adam, AdamW, RMSprop
from mapicx.validation import find_late as __getattr__

__version__ = "0.2.0"
__all__ = ["SGD", "Adam", "AdamW", "BinaryCrossentropy", "CategoricalCrossentropy", "Dense",
           "Dropout", "EarlyStopping", "History", "Layer", "LeakyReLU", "Mapicx",
           "MeanSquaredError", "NeuralNetwork", "RMSprop", "ReLU", "Sigmoid", "Softmax", "Tanh",
           "load"]  # fmt: skip
