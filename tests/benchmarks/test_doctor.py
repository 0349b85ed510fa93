"""The doctor names what distorts timings, what to do, and what it could not check."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata

from benchmarks import doctor
from benchmarks.measure import machine
from tests.benchmarks.synthetic import rows, run_folder


def test_a_forced_blas_kernel_is_named_with_its_cure():
    (finding,) = doctor.check_variables({"OPENBLAS_CORETYPE": "Haswell"})
    assert finding.level == "distorts"
    assert "OPENBLAS_CORETYPE=Haswell" in finding.text and "unset" in finding.text


def test_the_command_names_a_forced_kernel(command):
    done = command("benchmarks.doctor", OPENBLAS_CORETYPE="Haswell")
    assert done.returncode == 0
    assert "OPENBLAS_CORETYPE=Haswell" in done.stdout


def test_a_thread_cap_is_noted():
    (finding,) = doctor.check_variables({"OMP_NUM_THREADS": "3"})
    assert finding.level == "note" and "OMP_NUM_THREADS=3" in finding.text


def test_other_programs_are_noticed_while_they_run_and_not_afterwards(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (50.0, 0, 0), raising=False)  # of the past
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(machine.count_cores())
    ]
    try:
        (finding,) = doctor.check_load()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert finding.level == "distorts" and "cores busy" in finding.text
    monkeypatch.setattr(machine, "count_cores", lambda: 1000)  # of which the other tests use few
    assert list(doctor.check_load()) == []


def test_one_core_is_too_few(monkeypatch):
    monkeypatch.setattr(machine, "count_cores", lambda: 1)
    assert "distorts" in {finding.level for finding in doctor.check_cores()}


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    (finding,) = doctor.check_compiler()
    assert "torch-compile" in finding.text


def test_a_governor_that_saves_power_is_named(tmp_path, monkeypatch):
    (tmp_path / "governor").write_text("powersave\n")
    monkeypatch.setattr(machine, "GOVERNOR", tmp_path / "governor")
    (finding,) = doctor.check_frequency()
    assert finding.level == "distorts" and "powersave" in finding.text


def test_what_the_system_does_not_tell_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "GOVERNOR", tmp_path / "governor")
    (finding,) = doctor.check_frequency()
    assert finding.level == "unknown"


def test_another_version_than_the_pinned_one_is_noted(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1")
    texts = [finding.text for finding in doctor.check_frameworks()]
    assert any("torch is 0.0.1" in text for text in texts)


def test_a_framework_that_is_missing_comes_with_its_command(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    texts = [finding.text for finding in doctor.check_frameworks()]
    assert any('".[torch]"' in text for text in texts)


def test_figures_of_other_machines_are_no_figures_of_this_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [one.level for one in doctor.check_blas()] == ["unknown"]
    made = [row | {"gemm_gflops": 9.0, "machine_id": "another"} for row in rows(2)]
    run_folder(tmp_path / "results", made)
    assert [one.level for one in doctor.check_blas()] == ["unknown"]
    here = machine.identify_machine(machine.environment())
    for row, speed in zip(made, [90.0, 20.0], strict=False):
        row |= {"machine_id": here, "gemm_gflops": speed}
    run_folder(tmp_path / "results", made, "20260102T030406-own")
    assert [one.level for one in doctor.check_blas()] == ["note"]


def test_a_newer_release_is_noted_and_silence_of_pip_is_said(monkeypatch):
    monkeypatch.setattr(doctor, "_ask_pip", lambda name: "999.0" if name == "torch" else None)
    findings = list(doctor.check_newer_releases())
    assert any("torch" in one.text and "999.0" in one.text for one in findings)
    assert any(one.level == "unknown" and "pip could not tell" in one.text for one in findings)
