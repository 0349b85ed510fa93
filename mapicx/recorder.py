"""What makes the engine fast, in one place that a reader may skip: NumPy with a memory.

A step is run once with a `Recorder` in NumPy's place, and every later step replays its calls into
the same arrays: nothing is allocated, and of Python only one loop runs.

    xp = Recorder(np.dtype("float32"))
    x = xp.track(values)
    y = xp.maximum(xp.matmul(x, weights) + biases, 0)   # runs, and is noted
    values[:] = others
    for call in xp.calls:                               # y now belongs to the others
        call()

Prices in comments are shares of a step of 2-64-3 on 300 samples, unless another is named.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from mapicx import data as d
from mapicx.data import Array, RecordedArray
from mapicx.validation import not_replayable


class Recorder:
    """NumPy whose calls run now and are noted, to be replayed into the same arrays.

    What cannot be replayed raises ValueError, naming the `layer` whose lines run; with `eager`,
    copies of arrays are allowed. `called` are the layers without `xp`, called in every step.
    """

    def __init__(self, dtype: Any, eager: bool = False, called: Any = ()) -> None:
        self.dtype, self.eager, self.called, self.layer = dtype, eager, called, "a layer"
        self.calls: list[Callable[[], Any]] = []
        self.results: list[Array] = []  # in the order in which they were made
        self.used = 0  # how many of them are in use

    def track(self, array: Array) -> Array:
        """The same memory as an array whose use is recorded."""
        tracked = array.view(RecordedArray)
        tracked.recorder, tracked.memory, tracked.array = self, d.base_of(array), array
        return tracked

    def operand(self, value: Any) -> Array:
        """An argument as a plain array; a number as an array of shape (), which saves 0.3 us."""
        if not isinstance(value, RecordedArray):
            return d.to_constant(value, self)
        array: Array = np.asarray(value) if value.array is None else value.array
        same = value.recorder is self and (array is value.array or d.base_of(array) is value.memory)
        if not (same or self.eager):
            raise not_replayable(self.layer, "a copy of an array, or one of another step,")
        return array

    def __getattr__(self, name: str) -> Any:
        function: Any = getattr(np, name, None)
        if name in d.CONSTANTS:
            return partial(d.make_constant, self, function)
        if isinstance(function, type) or not callable(function):
            special = name[:2] == "__"  # Python asks for these
            raise AttributeError(name) if special else not_replayable(self.layer, f"np.{name}")
        return partial(self.call, function)

    def call(self, function: Any, *values: Any, out: Any = None, **options: Any) -> Array:
        """Run a NumPy function that takes `out` in its fastest form, and note it."""
        d.refuse_arrays(self, options)
        args = [self.operand(value) for value in values]
        if function in (np.maximum, np.minimum):  # with one number they take 2.5 times as long
            args = d.fill_numbers(values, args)
        result = np.asarray(self.new_result(function, args, options) if out is None else out)
        call = d.bind_call(function, args, result, options)
        try:
            call()
        except TypeError as error:
            raise not_replayable(self.layer, f"np.{function.__name__}") from error
        self.calls.append(call)
        return self.track(result)

    def new_result(self, function: Any, args: list[Array], options: dict[str, Any]) -> Array:
        """An array for the result of a call; an earlier one, if `used` was set back."""
        wanted = d.find_result(function, args, options)
        if [(a.shape, a.dtype) for a in self.results[self.used :][:1]] != [wanted]:
            self.results[self.used :] = [d.new_array(*wanted)]
        self.used += 1
        return self.results[self.used - 1]

    def max(self, x: Any, axis: Any = None, **options: Any) -> Array:
        """np.max, which wraps maximum.reduce: four times the time."""
        return self.call(np.maximum.reduce, x, axis=axis, **options)

    def sum(self, x: Any, axis: Any = None, out: Any = None, **options: Any) -> Array:
        """np.sum; over one axis of two as a product with ones, which takes half the time."""
        fits = x.ndim == 2 and axis in (0, 1) and x.dtype == self.dtype
        if not fits or options != {"keepdims": True}:
            return self.call(np.add.reduce, x, axis=axis, out=out, **options)
        if axis == 0 and d.join_sum(self.calls, self.operand(x), out):
            return self.track(np.asarray(out))
        ones = np.ones((x.shape[axis], 1), self.dtype)
        return self.call(np.matmul, *((x, ones) if axis else (ones.T, x)), out=out)

    def note(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function now and in every replay."""
        function(*args)
        self.calls.append(partial(function, *args))

    def apply(self, layer: Any, method: Callable[..., Any], *args: Any) -> Array:
        """Run a layer's method: recorded, or called in every step."""
        self.layer = type(layer).__name__
        if layer in self.called:
            return self.copied(method, *map(d.plain, args))
        values = method(*args, xp=self)
        if not isinstance(values, RecordedArray):
            raise not_replayable(self.layer, f"{method.__name__} without a result that `xp` made")
        fits = values.dtype == self.dtype and values.T.flags.c_contiguous
        return values if fits else self.copied(np.asarray, d.plain(values))

    def copied(self, function: Callable[..., Any], *args: Any) -> Array:
        """What a function, called in every step, returns, in an array of this recorder."""
        values = np.asarray(function(*args))
        result = d.new_array(values.shape, self.dtype)
        np.copyto(result, values)
        self.calls.append(lambda: np.copyto(result, function(*args)))
        return self.track(result)
