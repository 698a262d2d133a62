"""Clocks and counters of the benchmark."""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

NULL = os.open("/dev/null", os.O_RDWR)


def wall(command, environment=None, stdout=NULL):
    """Seconds from the start of a program to its end."""
    path = command[0] if "/" in command[0] else shutil.which(command[0])
    actions = [(os.POSIX_SPAWN_DUP2, NULL, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    start = time.perf_counter()
    pid = os.posix_spawn(path, [str(c) for c in command], environment or os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    elapsed = time.perf_counter() - start
    if status != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {os.waitstatus_to_exitcode(status)}")
    return elapsed


def take_turns(contestants, rounds):
    """contestants: name -> (command, environment, every). Median milliseconds of each; every: takes part in each Nth round only."""
    times = {name: [] for name in contestants}
    for name, (command, environment, _) in list(contestants.items()):
        try:
            for _ in range(3):
                wall(command, environment)
        except (RuntimeError, OSError) as error:
            print(f"bench: without {name}: {error}", file=sys.stderr)
            del contestants[name], times[name]
    for turn in range(rounds):
        for name, (command, environment, every) in contestants.items():
            if turn % every == 0:
                times[name].append(wall(command, environment))
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def memory(pid, *keys):
    """KiB of a process, summed over the given lines of smaps_rollup."""
    lines = (line.split() for line in open(f"/proc/{pid}/smaps_rollup"))
    return sum(int(f[1]) for f in lines if f[0].rstrip(":") in keys)


def processes(name):
    """Ids of the processes whose name starts so (15 characters count)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if pathlib.Path(f"/proc/{entry}/comm").read_text().strip().startswith(name[:15]):
                    found.append(int(entry))
            except OSError:
                pass
    return found


def at_once(command, count, width, environment=None):
    """Seconds for `count` runs of command(i), `width` of them at a time."""
    start, running, number = time.perf_counter(), set(), 0
    while number < count or running:
        while number < count and len(running) < width:
            line = [str(c) for c in command(number)]
            running.add(os.posix_spawn(line[0], line, environment or os.environ,
                                       file_actions=[(os.POSIX_SPAWN_DUP2, NULL, 0), (os.POSIX_SPAWN_DUP2, NULL, 1)]))
            number += 1
        pid, status = os.wait()
        if pid in running:
            running.discard(pid)
            if status != 0:
                raise RuntimeError(f"{command(0)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start


def quiet(command, environment=None, check=True):
    return subprocess.run([str(c) for c in command], env=environment, check=check, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()
