"""What a Dask worker runs: a program in the checkout at hand, whose lines it passes on.

This file travels to the worker as it stands, so it uses the standard library and `distributed`
alone, and everything it needs is inside the function.
"""


def run_in_checkout(module, spec, folder, topic, unit, stream):
    """Run a module with a spec on its standard input; the lines that it prints are its answer.

    Parameters
    ----------
    module, spec : str
        What `python -m` runs, and the one line that it reads. The input is closed when the task
        is not wanted any more, or this process ends, and so must the program.
    folder : str
        The checkout.
    topic, unit : str
        Where the client listens, and by which name it knows this task.
    stream : bool
        Send each line as it comes, not all of them at the end.

    Returns
    -------
    dict
        "lines" that were not sent yet, how many were "sent", and the "failure", a sentence, if
        the program did not end well.
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
        return {"lines": [], "sent": 0, "failure": None, "refused": said}
    path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    lines, sent = [], 0
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # what interrupts a terminal's worker is for the worker to tell
        )
        heard = queue.SimpleQueue()

        def listen():
            for line in process.stdout:
                heard.put(line.decode())
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()
        try:
            process.stdin.write(spec.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # its end is told below
        while True:
            try:
                line = heard.get(timeout=0.5)
            except queue.Empty:
                task = worker.state.tasks.get(key)
                if task is None or task.state not in ("executing", "long-running"):
                    break  # the client went away, or has no use for it any more
                continue
            if line is None:
                break
            if stream:
                worker.log_event(topic, {"unit": unit, "line": line})
                sent += 1
            else:
                lines.append(line)
        if process.poll() is None:
            try:
                process.stdin.close()
                process.wait(15)
            except (OSError, subprocess.TimeoutExpired):
                process.kill()
        code = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    failure = f"the process ended with exit code {code}: {said[-1] if said else ''}"
    return {"lines": lines, "sent": sent, "failure": failure if code else None}
