"""The task of a Dask worker: run a program in the worker's checkout and pass on its output lines.

The function is sent to the worker by value, so it uses only the standard library and
`distributed`, and everything it needs is inside it.
"""


def run_in_checkout(module, spec, folder, topic, unit, stream):
    """Give a spec to a program in the checkout and pass on the lines that it prints.

    The program then waits for the next spec, so that later units need not start it.

    Parameters
    ----------
    module, spec : str
        What `python -m` runs, and the line it reads. Its input is closed when the task is no
        longer wanted or this process ends; the program then ends, too.
    folder : str
        Path of the checkout.
    topic, unit : str
        The topic that the client listens to, and its name for this task.
    stream : bool
        Send each line as it comes instead of all at the end.

    Returns
    -------
    dict
        "lines" not yet sent, and "failure", a sentence if the program ended before the unit did.
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
        refusal = f"the worker at {worker.address} has no checkout of this version at {folder}"
        return {"lines": [], "failure": None, "refused": refusal}
    idle = worker.__dict__.setdefault("_mapicx_idle", {}).setdefault((topic, folder), [])

    def start():
        """Start a program that waits for specs; return it with its output queue and error file."""
        path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        heard, errors = queue.SimpleQueue(), tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # so that Ctrl-C in a worker's terminal reaches only the worker
        )

        def listen():
            for line in process.stdout:
                heard.put(line.decode())
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()
        return process, heard, errors

    def is_wanted():
        task = worker.state.tasks.get(key)
        return task is not None and task.state in ("executing", "long-running")

    lines = []
    program = None
    while program is None:
        program = idle.pop() if idle else start()
        if program[0].poll() is not None:
            program = None  # it waited too long and ended
            continue
        process, heard, errors = program
        try:
            process.stdin.write(spec.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # how it ended is reported below
    while True:
        try:
            line = heard.get(timeout=0.5)
        except queue.Empty:
            line = ""
        if not is_wanted():
            process.stdin.close()  # the client is gone or no longer wants it
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
    error_lines = errors.read().decode(errors="replace").strip().splitlines()
    failure = f"the process of its trials ended with exit code {code}"
    if error_lines:
        failure += f": {error_lines[-1]}"
    return {"lines": lines, "failure": failure}
