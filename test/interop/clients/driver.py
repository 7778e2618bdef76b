"""Goes through scenarios: what the clients in Python share. What it prints is read by client-program.ts."""

import asyncio
import inspect
import sys
import time
import traceback

bootstrap = sys.argv[1]
PATIENCE_SECONDS = 90
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
START = int(time.time() * 1000) - 3_600_000


def go_through(scenarios):
    """Runs the scenarios that the command line names. A text instead of a function says why there is none."""
    for name in sys.argv[2:]:
        scenario = scenarios[name]
        if isinstance(scenario, str):
            say(f"skipped {name} {scenario}")
            continue
        try:
            result = scenario()
            if inspect.isawaitable(result):
                asyncio.run(result)
            say(f"passed {name}")
        except Exception as problem:  # whatever it is, it is a finding
            trace = traceback.extract_tb(problem.__traceback__)
            where = [f"{each.filename}:{each.lineno}" for each in trace if "site-packages" not in each.filename]
            text = f"{type(problem).__name__}: {problem} at {where[-1]}"
            say(f"failed {name} {' '.join(text.split())}")


def say(line):
    print(line, flush=True)


def kill_broker():
    """Returns when the broker is up again."""
    say("kill-broker")
    sys.stdin.readline()


def same(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {str(actual)[:300]} instead of {str(expected)[:300]}")


def sample(number):
    """Every kind of key, value and header there can be, small and large."""
    headers = [("twice", f"first {number}".encode()), ("twice", b""), ("nothing", None)]
    return {
        "partition": number % 3,
        "timestamp": START + number,
        "key": None if number % 7 == 0 else f"key {number % 50}".encode(),
        "value": None if number % 10 == 0 else b"" if number % 10 == 1 else f"value {number} ".encode() * number,
        "headers": [] if number % 4 == 0 else headers,
    }
