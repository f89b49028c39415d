"""The tests have a cache of their own; the results in it are found by the folder of the dataset, so each test finds its own only."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    os.environ["ARAXES_CACHE"] = str(tmp_path_factory.mktemp("cache"))
