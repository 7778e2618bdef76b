"""Fixtures for Karapace's HTTP tests: a registry of its own for every test, from main.ts at CONTROL_URL."""

import importlib.abc
import importlib.machinery
import json
import os
import sys
import urllib.request
from types import ModuleType


ABSENT = """accept_types aiokafka async_lru async_timeout avro cachetools confluent_kafka dateutil dependency_injector
    google jsonschema jwt networkx opentelemetry prometheus_client prometheus_fastapi_instrumentator pydantic_settings
    sentry_sdk tenacity uvicorn watchfiles""".split()


# Made when Karapace is built.
UNBUILT = ("karapace.version", "karapace.core.protobuf.protopace")


class Anything(type):
    """Stands for whatever a module that is not installed would have brought along; no test uses it."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})

    def __call__(cls, *args, **kwargs):
        only = args[0] if len(args) == 1 and not kwargs else None
        return only if callable(only) else Anything("anything", (), {})

    def __getitem__(cls, item):
        return cls

    def __or__(cls, other):
        return cls

    __ror__ = __or__

    def __index__(cls):
        return 0

    def __iter__(cls):
        return iter(())


class AbsentModule(ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})


class AbsentModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """What the tests import but do not use need not be installed."""

    def find_spec(self, fullname, path, target=None):
        if fullname.split(".")[0] not in ABSENT and not fullname.startswith(UNBUILT):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return AbsentModule(spec.name)

    def exec_module(self, module):
        pass


import pytest_asyncio  # noqa: E402

sys.meta_path.insert(0, AbsentModules())

from karapace.core.client import Client  # noqa: E402


@pytest_asyncio.fixture
async def registry_async_client():
    request = urllib.request.Request(os.environ["CONTROL_URL"], method="POST")
    with urllib.request.urlopen(request) as answer:
        url = answer.read().decode()
    client = Client(server_uri=url)
    yield client
    await client.close()


def pytest_runtest_logreport(report):
    if report.when != "call" and report.outcome == "passed":
        return
    name = report.nodeid.removeprefix("tests/integration/")
    lines = str(report.longrepr or "").splitlines()
    message = next((line[1:].strip() for line in lines if line.startswith("E ")), lines[-1] if lines else "")
    status = report.outcome if report.outcome in ("passed", "failed") else "skipped"
    with open(os.environ["RESULTS"], "a", encoding="utf-8") as results:
        results.write(json.dumps({"name": name, "status": status, "message": message}) + "\n")
