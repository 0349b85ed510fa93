"""What a Dask worker runs: a program in the checkout at hand, whose lines it passes on.

This file travels to the worker as it stands, so it uses the standard library and `distributed`
alone, and everything it needs is inside the function.
"""


def run_in_checkout(module, spec, folder, topic, unit, stream):
    """Give a spec to a program of the checkout; the lines that it prints are its answer.

    The program waits for the next spec afterwards, so that a unit does not pay for its start.

    Parameters
    ----------
    module, spec : str
        What `python -m` runs, and the line that it reads. Its input is closed when the task is
        not wanted any more, or this process ends, and then the program ends.
    folder : str
        The checkout.
    topic, unit : str
        Where the client listens, and by which name it knows this task.
    stream : bool
        Send each line as it comes, not all of them at the end.

    Returns
    -------
    dict
        "lines" that were not sent yet, and the "failure", a sentence, if the program ended before
        the unit did.
    """
    import os
    import queue
    import subprocess
    import sys
    import tempfile
    import threading

    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    worker.log_event(topic, {"unit": unit, "begun": worker.address})
    if not os.path.isfile(os.path.join(folder, *module.split(".")) + ".py"):
        said = f"the worker at {worker.address} has no checkout of this version at {folder}"
        return {"lines": [], "failure": None, "refused": said}
    idle = worker.__dict__.setdefault("_mapicx_idle", {}).setdefault((topic, folder), [])

    def start():
        """A program that waits for specs, with what it says and its errors."""
        path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        heard, errors = queue.SimpleQueue(), tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C in a worker's terminal is for the worker to tell
        )

        def listen():
            for line in process.stdout:
                heard.put(line.decode())
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()
        return process, heard, errors

    def wanted():
        task = worker.state.tasks.get(key)
        return task is not None and task.state in ("executing", "long-running")

    lines = []
    program = None
    while program is None:
        program = idle.pop() if idle else start()
        if program[0].poll() is not None:
            program = None  # it has waited too long
            continue
        process, heard, errors = program
        try:
            process.stdin.write(spec.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # how it ended is told below
    while True:
        try:
            line = heard.get(timeout=0.5)
        except queue.Empty:
            line = ""
        if not wanted():
            process.stdin.close()  # the client went away, or has no use for it any more
            break
        if line == "":
            continue
        if line is None:
            break
        if line.startswith('{"done"'):
            idle.append(program)
            return {"lines": lines, "failure": None}
        if stream:
            worker.log_event(topic, {"unit": unit, "line": line})
        else:
            lines.append(line)
    try:
        code = process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip().splitlines()
    failure = f"the process of its trials ended with exit code {code}"
    if said:
        failure += f": {said[-1]}"
    return {"lines": lines, "failure": failure}
