"""Makes a group of the conformance suite's checks of several systems of one framework.

    python tests/baselines/subject.py parity torch-eager torch-fused

Two frameworks in one process share thread pools and slow each other down, so the tests never
do that: they start this file once for each framework, and judge what it prints.
"""

import json
import sys

import baselines
from benchmarks.measure.conformance_child import make_checks
from benchmarks.measure.conformance_data import BASE, RECIPES, prepare_system

# A system that shares its mathematics with another, or compiles for seconds, takes fewer.
# All of them take all in the slow tests of test_conform.py.
TWO = ("decay-batches", "adam-tanh")
COVERING = (  # each activation, optimizer, loss, option and kind of batch
    *TWO, "sgd-tanh", "momentum-relu", "sigmoid", "adam-decay", "bce-adam", "mse",
    "batches-adam-l2", "shuffled",
)  # fmt: skip
CHOSEN = {
    "tf-function": COVERING,
    "torch-compile": TWO,
    "torch-compile-cached": TWO,
    "keras-fit": (*TWO, "bce-adam", "shuffled"),
    "keras-fit-tuned": (*TWO, "shuffled"),
    "keras-fit-jax": (*TWO, "mse", "shuffled"),
    "tf-xla": TWO,
    "tf-loop": (*TWO, "mse", "shuffled"),
    "jax-jit": ("momentum-relu", *TWO, "bce-adam", "mse"),
    "jax-scan": (*TWO, "shuffled"),
}


def main(group, names):
    report = {}
    for name in names:
        checks = make_checks(name, group, CHOSEN.get(name, tuple(RECIPES)))
        report[name] = {said["check"]: said["faults"] for said in checks if "faults" in said}
        if group == "parity":
            system = prepare_system(baselines.system(name), BASE)
            report[name]["gflops"] = system.gemm_gflops()
    print("\n" + json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
