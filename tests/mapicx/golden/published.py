"""Numbers from the test tables of Keras and ONNX, converted where conventions differ.

Each case names the file and the test that the numbers stand in. Keras: version 3.15.1, below
keras/src/. ONNX: below onnx/backend/test/case/node/, at the commit given. `atol` is the precision
in which the table prints its numbers.
"""

ONNX = "ONNX at commit {}, {}"
EYE = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
LOGITS = [[8.0, 1.0, 1.0], [0.0, 9.0, 1.0], [2.0, 3.0, 5.0]]
SHARES = [[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]]
YES_NO = [[1, 0, 1], [0, 1, 1]]
TENS = [[10.0, -10.0, 10.0], [10.0, 10.0, -10.0]]
VALUES, TRUE = [[4.0, 8.0, 12.0], [8.0, 1.0, 3.0]], [[1, 9, 2], [-5, -2, 6]]

# (test, loss, logits or values, y, sample weights, expected, atol). Keras divides a weighted sum by
# the number of samples, not by the sum of the weights; the test converts. "log" and "logit" turn
# the table's probabilities into logits.
LOSSES = [
    ("MeanSquaredErrorTest.test_unweighted", "mse", VALUES, TRUE, None, 49.5, 1e-9),
    ("MeanSquaredErrorTest.test_sample_weighted", "mse", VALUES, TRUE, [1.2, 3.4], 767.8 / 6, 1e-9),
    ("CategoricalCrossentropyTest.test_unweighted", "cce", LOGITS, EYE, None, 0.0573, 1e-4),
    ("CategoricalCrossentropyTest.test_unweighted", "cce log", SHARES, EYE, None, 0.3239, 1e-4),
    (
        "CategoricalCrossentropyTest.test_sample_weighted",
        "cce",
        LOGITS,
        EYE,
        [1.2, 3.4, 5.6],
        0.31829,
        1e-5,
    ),
    (
        "CategoricalCrossentropyTest.test_sample_weighted",
        "cce log",
        SHARES,
        EYE,
        [1.2, 3.4, 5.6],
        1.0696,
        1e-4,
    ),
    ("CategoricalCrossentropyTest.test_no_reduction", "cce", LOGITS[:1], [0], None, 0.001822, 1e-6),
    ("CategoricalCrossentropyTest.test_no_reduction", "cce", LOGITS[2:], [2], None, 0.169846, 1e-6),
    (  # a smoothing of 0.1, written out as soft targets
        "CategoricalCrossentropyTest.test_label_smoothing",
        "cce",
        [[100.0, -100.0, -100.0]],
        [[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]],
        None,
        400 * 0.1 / 3,
        1e-9,
    ),
    ("BinaryCrossentropyTest.test_unweighted", "bce", TENS, YES_NO, None, 3.3333, 1e-4),
    ("BinaryCrossentropyTest.test_sample_weighted", "bce", TENS, YES_NO, [4, 3], 10.0, 1e-3),
    ("BinaryCrossentropyTest.test_no_reduction", "bce", TENS[1:], YES_NO[1:], None, 6.666, 1e-3),
    (
        "BinaryCrossentropyTest.test_unweighted",
        "bce logit",
        [[0.9, 0.1, 0.2], [0.3, 0.8, 0.1], [0.1, 0.2, 0.7]],
        EYE,
        None,
        0.20046903,
        1e-6,
    ),
]

# (source, layer, its options, inputs, expected, atol)
ACTIVATIONS = [
    ("layers/activations/relu_test.py", "ReLU", {}, [-10, -5, 0, 5, 10], [0, 0, 0, 5, 10], 0),
    (
        "layers/activations/leaky_relu_test.py",
        "LeakyReLU",
        {"slope": 0.5},
        [-10, -5, 0, 5, 10],
        [-5, -2.5, 0, 5, 10],
        0,
    ),
    (
        "layers/activations/softmax_test.py",
        "Softmax",
        {},
        [1, 2, 1],
        [0.21194157, 0.5761169, 0.21194157],
        1e-7,
    ),
    (
        ONNX.format("15d1677a59f5", "sigmoid.py"),
        "Sigmoid",
        {},
        [-1, 0, 1],
        [0.26894143, 0.5, 0.7310586],
        1e-7,
    ),
    (
        ONNX.format("2dcd5bc84e12", "tanh.py"),
        "Tanh",
        {},
        [-1, 0, 1],
        [-0.76159418, 0, 0.76159418],
        1e-7,
    ),
    (
        ONNX.format("0c6586e6f6eb", "leakyrelu.py"),
        "LeakyReLU",
        {"slope": 0.1},
        [-1, 0, 1],
        [-0.1, 0, 1],
        1e-12,
    ),
    (
        ONNX.format("1a067bac0350", "softmax.py"),
        "Softmax",
        {},
        [-1, 0, 1],
        [0.09003058, 0.24472848, 0.66524094],
        2e-7,
    ),
    (
        ONNX.format("1a067bac0350", "softmax.py, test_softmax_large_number"),
        "Softmax",
        {},
        [10000, 10001, 10002, 10003],
        [0.0320586, 0.08714432, 0.23688284, 0.64391428],
        1e-7,
    ),
]

FOUR, GRADIENT = [1, 2, 3, 4], [1, 6, 7, 2]
RAMP = [round(0.1 * k, 1) for k in range(1, 11)]
MOMENTUM = ONNX.format("0d484ac28182", "momentum.py, ")

# (source, optimizer, its options, state before, start, gradient of each update, expected, atol).
# ONNX's velocity v is -v / lr here; its expected values are its formulas, worked out by hand.
OPTIMIZERS = [
    ("sgd_test.py", "SGD", {"lr": 0.5}, None, FOUR, [GRADIENT], [0.5, -1, -0.5, 3], 1e-12),
    (
        "sgd_test.py, test_correctness_with_golden, last row",
        "SGD",
        {"lr": 0.01, "nesterov": True},
        None,
        [1] * 10,
        [[0.01] * 10, RAMP, RAMP, RAMP, RAMP],
        [0.9959, 0.9919, 0.9879, 0.9839, 0.9799, 0.9759, 0.9719, 0.9679, 0.9639, 0.9599],
        1e-9,
    ),
    (
        "sgd_test.py, test_clip_norm",
        "SGD",
        {"lr": 1, "clipnorm": 1},
        None,
        [0, 0],
        [[100, 100]],
        [-(2**0.5) / 2, -(2**0.5) / 2],
        1e-12,
    ),
    ("adam_test.py", "Adam", {"lr": 0.5}, None, FOUR, [GRADIENT], [0.5, 1.5, 2.5, 3.5], 1e-6),
    (
        "adamw_test.py",
        "AdamW",
        {"lr": 0.5, "weight_decay": 0.004},
        None,
        FOUR,
        [GRADIENT],
        [0.4980, 1.4960, 2.494, 3.492],
        1e-6,
    ),
    (  # three optimizers take one step each on the same variable
        "adamw_test.py, test_weight_decay",
        "AdamW",
        {"lr": 1, "weight_decay": 0.004},
        None,
        [2],
        [[0], [0], [0]],
        [1.9760959],
        1e-6,
    ),
    (
        "rmsprop_test.py",
        "RMSprop",
        {"lr": 0.5},
        None,
        FOUR,
        [GRADIENT],
        [-0.5811, 0.4189, 1.4189, 2.4189],
        1e-4,
    ),
    (
        MOMENTUM + "test_momentum",
        "SGD",
        {"lr": 0.1, "momentum": 0.95, "weight_decay": 0.001},
        [1.7, 3.6],
        [1.2, 2.8],
        [[-0.94, -2.5]],
        [1.13238, 2.70772],
        1e-12,
    ),
    (
        MOMENTUM + "test_nesterov_momentum",
        "SGD",
        {"lr": 0.1, "momentum": 0.95, "weight_decay": 0.01, "nesterov": True},
        [1.7, 3.6],
        [1.2, 2.8],
        [[-0.94, -2.5]],
        [1.227535, 2.95714],
        1e-12,
    ),
    (
        MOMENTUM + "test_momentum_multiple",
        "SGD",
        {"lr": 0.1, "momentum": 0.95, "weight_decay": 0.001},
        [2, 4, 1],
        [1, 1, 2],
        [[-1, -1, -3]],
        [0.9099, 0.7199, 2.2048],
        1e-12,
    ),
]
