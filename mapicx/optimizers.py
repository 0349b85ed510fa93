"""The optimizers, by complexity. Each sees the network as one vector w."""

import math
from abc import ABC, abstractmethod
from typing import Any, cast

from mapicx.data import Array, Slices
from mapicx.recorder import Recorder
from mapicx.validation import TINY, by_name, check_options, show


class Optimizer(ABC):
    """What all share: the learning rate and its decay, weight decay, clipping, the slices.

    The learning rate of an update is lr_t = lr / (1 + decay * t), t = `iterations` before it.
    weight_decay adds weight_decay * w to the gradient g of weights, not of biases. clipnorm is the
    largest Euclidean norm of the gradient, before weight decay; a longer one is scaled down. A
    callback may change all of these. Given to another network, an optimizer starts clean there, and
    the first one keeps a copy. ValueError for options out of range.

    Subclasses define `update`, in place (`v *= ...`) and with NumPy functions that take `out`, and
    name in `slots` the vectors that they keep, the `state`.
    """

    slots: Any = ()
    lr = decay = momentum = nesterov = rho = beta_1 = beta_2 = epsilon = cast(Any, None)
    weight_decay = clipnorm = _network = cast(Any, None)

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.options = check_options(type(self).__name__, arguments)
        vars(self).update(self.options)
        self.iterations, self.state, self._slices = 0, list[Array](), cast(Any, None)

    @abstractmethod
    def update(self, w: Any, g: Any, state: list[Any], rates: list[Any], xp: Any) -> None:
        """Change slices w of the parameters and `state` of the slots in place, by the gradient g.

        `rates` are what `rates()` gave, as arrays of shape ().
        """

    def rates(self, lr: float) -> tuple[float, ...]:
        """The numbers that differ from update to update."""
        return (lr,)

    def decayed(self, w: Any, g: Any, decays: Any, lr: Any) -> Any:
        """The decayed gradient; `decays` is weight_decay, or 0 for biases."""
        return g + w * decays

    def reset(self) -> None:
        """Forget all updates, as if new; arrays and recorded calls stay."""
        self.iterations = 0
        for array in self.state:
            array[:] = 0

    @property
    def current_lr(self) -> float:
        """The learning rate of the next update."""
        return float(self.lr / (1 + self.decay * self.iterations))

    def step(self, w: Array, gradients: Array, decays: Array, eager: bool = False) -> None:
        """Update the vector w in place; `decays` marks the parameters that decay.

        FloatingPointError, with nothing changed, if the gradient is too large.
        """
        if not self._slices or self._slices.w is not w or self._slices.gradients is not gradients:
            self._slices = Slices(self, w, gradients, decays, Recorder)
        lr, norm_squared = self.current_lr, float(gradients.dot(gradients))
        if not self._slices.can_hold(norm_squared, lr):
            raise FloatingPointError("the gradient is not finite, or too large for its data type")
        clip = min(1.0, self.clipnorm / max(math.sqrt(norm_squared), TINY)) if self.clipnorm else 1
        self._slices.run(self, (clip, lr, *self.rates(lr)), eager)
        self.iterations += 1

    def update_slice(
        self, w: Any, g: Any, decays: Any, state: list[Any], numbers: Any, xp: Any
    ) -> None:
        """Update one slice: clip the gradient, let the weights decay, apply the rule."""
        clip, lr, *rates = numbers
        g = g * clip if self.clipnorm else g
        g = self.decayed(w, g, decays, lr) if self.weight_decay else g
        self.update(w, g, state, rates, xp)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_slices": None, "_network": None}

    __repr__ = show


class SGD(Optimizer):
    """v = momentum v - lr_t g, w += v; nesterov: w += momentum v - lr_t g (Sutskever 2013).

    Parameters
    ----------
    lr, decay, weight_decay, clipnorm : float, see Optimizer
    momentum : float, from 0 to below 1
    nesterov : bool

    Examples
    --------
    >>> SGD(lr=0.1, momentum=0.9).current_lr
    0.1
    """

    def __init__(self, lr: float = 0.01, decay: float = 0.0, momentum: float = 0.0, *,
                 nesterov: bool = False, weight_decay: float = 0.0, clipnorm: float | None = None,
                 **unknown: Any) -> None:  # fmt: skip
        super().__init__(vars())  # all arguments, by name

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def update(self, w: Any, g: Any, state: list[Any], rates: list[Any], xp: Any) -> None:
        step = g * rates[0]  # rates[0] is lr
        if self.momentum:
            v = state[0]
            v *= self.momentum
            v -= step
            if not self.nesterov:
                w += v
                return
            w += v * self.momentum
        w -= step


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2, w -= lr_t g / (sqrt(v) + epsilon) (Tieleman and Hinton 2012).

    Parameters
    ----------
    lr, decay, weight_decay, clipnorm : float, see Optimizer
    rho : float, from 0 to below 1
    epsilon : float

    Examples
    --------
    >>> RMSprop(lr=0.1, decay=0.5).current_lr
    0.1
    """

    slots = ("mean_square",)

    def __init__(self, lr: float = 1e-3, decay: float = 0.0, *, rho: float = 0.9,
                 epsilon: float = 1e-7, weight_decay: float = 0.0, clipnorm: float | None = None,
                 **unknown: Any) -> None:  # fmt: skip
        super().__init__(vars())  # all arguments, by name

    def update(self, w: Any, g: Any, state: list[Any], rates: list[Any], xp: Any) -> None:
        (lr,), (v,) = rates, state
        v *= self.rho
        v += g * g * (1 - self.rho)
        w -= g / (xp.sqrt(v) + self.epsilon) * lr


class Adam(Optimizer):
    """m, v: running means of g, g^2; w -= lr_t m_hat / (sqrt(v_hat) + epsilon).

    Kingma and Ba 2015, Algorithm 1. The slots hold m / (1 - beta_1) and v / (1 - beta_2), which
    saves two passes of twelve.

    Parameters
    ----------
    lr, decay, weight_decay, clipnorm : float, see Optimizer
    beta_1, beta_2 : float, from 0 to below 1
    epsilon : float

    Examples
    --------
    >>> Adam(0.01, weight_decay=1e-3).beta_1
    0.9
    """

    slots = ("sum", "sum_of_squares")

    def __init__(self, lr: float = 1e-3, decay: float = 0.0, *, beta_1: float = 0.9,
                 beta_2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.0,
                 clipnorm: float | None = None, **unknown: Any) -> None:  # fmt: skip
        super().__init__(vars())  # all arguments, by name

    def rates(self, lr: float) -> tuple[float, ...]:
        """The factor of sums / (sqrt(squares) + shift), and the shift.

        m_hat = sums (1 - beta_1) / (1 - beta_1^k), sqrt(v_hat) = root sqrt(squares).
        """
        k = self.iterations + 1
        root = math.sqrt((1 - self.beta_2) / (1 - self.beta_2**k))
        return lr * (1 - self.beta_1) / (1 - self.beta_1**k) / root, self.epsilon / root

    def update(self, w: Any, g: Any, state: list[Any], rates: list[Any], xp: Any) -> None:
        (rate, shift), (sums, squares) = rates, state
        sums *= self.beta_1
        sums += g
        squares *= self.beta_2
        # rate * sums / (sqrt(squares) + shift) in one array: two take 4 % longer.
        step = g * g
        squares += step
        xp.sqrt(squares, out=step)
        step += shift
        xp.divide(sums, step, out=step)
        step *= rate
        w -= step


class AdamW(Adam):
    """Adam with w -= lr_t weight_decay w before each update (Loshchilov and Hutter 2019).

    Examples
    --------
    >>> AdamW(0.1).weight_decay
    0.01
    """

    def __init__(self, lr: float = 1e-3, decay: float = 0.0, *, weight_decay: float = 0.01,
                 **options: Any) -> None:  # fmt: skip
        super().__init__(lr, decay, weight_decay=weight_decay, **options)

    def decayed(self, w: Any, g: Any, decays: Any, lr: Any) -> Any:
        w -= w * decays * lr
        return g


OPTIMIZERS = by_name(SGD, RMSprop, Adam, AdamW)
