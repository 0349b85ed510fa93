"""A quota or a limit that a container sets is seen, in both kinds of control groups."""

from __future__ import annotations

import pytest

from benchmarks.measure.container import Limits, describe_limits, read_limits


@pytest.fixture
def group(tmp_path):
    """Write the files of a group and give what is read from them."""

    def read(membership, **files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return read_limits(tmp_path / "cgroup", tmp_path / "membership")

    return read


def test_the_newer_kind_with_half_a_core(group):
    found = group(
        "0::/app/run\n",
        app__cpu_dot_max="50000 100000\n",
        app__run__cpu_dot_max="max 100000\n",
        app__run__memory_dot_max="536870912\n",
    )
    assert found == Limits(0.5, 512 * 2**20)
    texts = describe_limits(found, 2)
    assert "0.5 CPUs of 2" in texts[0] and "512 MiB" in texts[1]


def test_the_older_kind(group):
    found = group(
        "4:memory:/box\n1:cpu:/\n",
        cpu__cpu_dot_cfs_quota_us="150000\n",
        cpu__cpu_dot_cfs_period_us="100000\n",
        memory__box__memory_dot_limit_in_bytes="9223372036854771712\n",
    )
    assert found == Limits(1.5, None)


def test_without_limits_nothing_is_said(group):
    assert describe_limits(group("0::/\n", cpu_dot_max="max 100000\n"), 2) == []
    assert describe_limits(Limits(), 2) == []
