"""The code location that `workspace.yaml` names: the webserver, the daemon and every step load it."""

from catalyst_assets.build import build_defs

defs = build_defs()
