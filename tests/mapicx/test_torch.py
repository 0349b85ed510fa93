"""600 updates agree with torch's to 1e-9, in float64."""

import numpy as np
import pytest

import mapicx as mx

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

CASES = {
    "sgd": (mx.SGD(0.03), "SGD", {"lr": 0.03}),
    "momentum": (mx.SGD(0.02, momentum=0.9), "SGD", {"lr": 0.02, "momentum": 0.9}),
    "nesterov": (
        mx.SGD(0.02, momentum=0.9, nesterov=True),
        "SGD",
        {"lr": 0.02, "momentum": 0.9, "nesterov": True},
    ),
    "weight decay": (mx.SGD(0.03, weight_decay=0.01), "SGD", {"lr": 0.03, "weight_decay": 0.01}),
    "adam": (mx.Adam(0.01), "Adam", {"lr": 0.01}),
    "adam decay": (mx.Adam(0.01, weight_decay=0.01), "Adam", {"lr": 0.01, "weight_decay": 0.01}),
    "adamw": (mx.AdamW(0.01, weight_decay=0.1), "AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    "rmsprop": (mx.RMSprop(0.003), "RMSprop", {"lr": 0.003, "alpha": 0.9, "eps": 1e-7}),
    "clipnorm": (mx.SGD(0.03, clipnorm=0.05), "SGD", {"lr": 0.03}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("activation", ["Tanh", "ReLU"])
def test_trajectory_agrees_with_torch(name, activation):
    optimizer, kind, options = CASES[name]
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((48, 3)), rng.integers(0, 3, 48)
    model = mx.Mapicx(seed=0, dtype="float64").add(3, 8, activation=activation)
    model.add(8, 3, activation="Softmax").compile(optimizer)
    twin = torch.nn.Sequential(
        torch.nn.Linear(3, 8), getattr(torch.nn, activation)(), torch.nn.Linear(8, 3)
    ).double()
    arrays = model.get_weights()
    with torch.no_grad():
        for layer, (w, b) in zip((twin[0], twin[2]), (arrays[:2], arrays[2:]), strict=True):
            layer.weight.copy_(torch.tensor(w.T))
            layer.bias.copy_(torch.tensor(b[0]))
    decay = options.get("weight_decay", 0.0)
    rest = {key: value for key, value in options.items() if key != "weight_decay"}
    groups = [
        {"params": [p for p in twin.parameters() if p.ndim == 2], "weight_decay": decay},
        {"params": [p for p in twin.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    theirs = getattr(torch.optim, kind)(groups, **rest)
    losses = []
    for _ in range(120):
        for start in range(0, 48, 10):  # the last batch has 8 rows
            theirs.zero_grad()
            logits = twin(torch.tensor(X[start : start + 10]))
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y[start : start + 10]))
            loss.backward()
            if name == "clipnorm":
                norm = torch.sqrt(sum((p.grad**2).sum() for p in twin.parameters()))
                for p in twin.parameters():
                    p.grad *= min(1.0, 0.05 / norm)
            theirs.step()
            losses.append(loss.item() * len(logits) / 48)
    history = model.fit(X, y, 120, batch_size=10, shuffle=False, verbose=False)
    assert model.network.optimizer.iterations == 600
    ours, ref = history.history["loss"], np.reshape(losses, (120, 5)).sum(1)
    np.testing.assert_allclose(ours, ref, rtol=0, atol=1e-9)
    for w, layer in zip(model.get_weights()[::2], (twin[0], twin[2]), strict=True):
        np.testing.assert_allclose(w, layer.weight.detach().numpy().T, rtol=0, atol=1e-9)


def test_decayed_learning_rate_with_momentum_follows_its_formula():
    model = mx.Mapicx(dtype="float64").add(2, 2, activation="Softmax")
    model.compile(mx.SGD(0.5, decay=0.25, momentum=0.9))
    net = model.network
    w, v = net.parameters.copy(), 0.0
    X, y = np.array([[1.0, 2.0], [-1.0, 0.5]]), [0, 1]
    for t in range(5):
        net.loss_and_gradients(X, y)
        v = 0.9 * v - 0.5 / (1 + 0.25 * t) * net.gradients
        w = w + v
        model.train_on_batch(X, y)
        np.testing.assert_allclose(net.parameters, w, rtol=1e-14)
