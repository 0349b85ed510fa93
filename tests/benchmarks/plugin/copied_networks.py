"""Two copies of numpy-plain: an honest one, and one whose learning rate is 1 % off."""

import dataclasses

from baselines.plain import Plain


class Honest(Plain):
    name = "honest-copy"


class OnePercentOff(Plain):
    name = "wrong-rate"

    def __init__(self, workload, **options):
        super().__init__(dataclasses.replace(workload, lr=1.01 * workload.lr), **options)
