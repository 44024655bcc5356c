"""Small experiments, so that the machinery is tested without the package's."""

import pytest
import small_experiments

from refimpl.experiments.common import framework


@pytest.fixture
def small(monkeypatch):
    """Name → module of the `small_experiments`, in the place of the package's."""
    modules = small_experiments.modules()
    monkeypatch.setattr(framework, "names", lambda: sorted(modules))
    monkeypatch.setattr(framework, "load", modules.__getitem__)
    return modules
