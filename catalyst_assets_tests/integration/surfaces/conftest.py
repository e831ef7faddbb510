"""An installation with a quick potential, as the tests of potentials have it."""

from catalyst_assets_tests.integration.potentials.conftest import instance, settings

__all__ = ["instance", "settings"]
