"""A process that leases devices, says which, and keeps them until its input ends."""

import json
import os
import sys

from catalyst_assets.errors import CatalystError
from resources.devices.leases import lease_devices
from resources.settings import get_settings


def main() -> None:
    try:
        names = lease_devices(get_settings())
    except CatalystError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    assert lease_devices(get_settings()) == names
    print(json.dumps({"names": names, "visible": os.environ["CUDA_VISIBLE_DEVICES"]}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
