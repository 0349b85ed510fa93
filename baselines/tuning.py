"""python -m baselines.tuning: chooses the values in classical.TUNED, the same effort for each.

Every family gets the same number of random trials; a trial trains on five draws of the spiral and
is scored on fresh points of each. The seeds begin at 10,000, and no report uses those.
"""

from __future__ import annotations

from statistics import fmean

TRIALS = 40
SEEDS = range(10_000, 10_005)


def spaces(rng):
    """One random trial for each family."""

    def log(low, high):
        return float(f"{low * (high / low) ** rng.random():.2g}")

    def whole(low, high):
        return round(log(low, high))

    return {
        "sklearn-mlp-lbfgs": {"alpha": log(1e-4, 1e1), "max_iter": whole(50, 1000)},
        "logistic-regression": {"C": log(1e-3, 1e3)},
        "knn": {"n_neighbors": whole(1, 30), "weights": str(rng.choice(["uniform", "distance"]))},
        "svm-rbf-tuned": {"C": log(1e-1, 1e3), "gamma": log(1e-1, 1e2)},
        "random-forest": {
            "n_estimators": whole(50, 500),
            "min_samples_leaf": whole(1, 10),
            "max_features": int(rng.integers(1, 3)),
        },
        "gradient-boosting": {
            "n_estimators": whole(50, 500),
            "learning_rate": log(1e-2, 5e-1),
            "max_depth": int(rng.integers(1, 7)),
            "subsample": round(float(rng.uniform(0.5, 1.0)), 2),
        },
    }


def estimator(name, options, seed):
    from sklearn.neural_network import MLPClassifier

    import baselines

    if name == "sklearn-mlp-lbfgs":
        return MLPClassifier((64, 64), solver="lbfgs", random_state=seed, **options)
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.neighbors
    import sklearn.svm

    family = baselines.system(name)
    kind = getattr(getattr(sklearn, family.module), family.classifier)
    seeded = {"random_state": seed} if "random_state" in kind().get_params() else {}
    return kind(**options, **seeded)


def accuracy(name, options):
    """Mean over the draws, of 300 training and 3000 fresh points each."""
    from mapicx.datasets import spiral_data

    scores = []
    for seed in SEEDS:
        model = estimator(name, options, seed)
        model.fit(*spiral_data(100, 3, seed=seed))
        scores.append(model.score(*spiral_data(1000, 3, seed=seed + len(SEEDS))))
    return fmean(scores)


def main():
    import warnings

    import numpy as np

    warnings.simplefilter("ignore")  # trials of few iterations say that they did not converge
    rng = np.random.default_rng(0)
    trials = [spaces(rng) for _ in range(TRIALS)]
    for name in trials[0]:
        score, _, best = max((accuracy(name, t[name]), -i, t[name]) for i, t in enumerate(trials))
        print(f"{name:20s} {score:.3f}  {best}", flush=True)


if __name__ == "__main__":
    main()
