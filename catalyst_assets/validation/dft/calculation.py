"""The program of a calculation: `python calculation.py JOB`, JOB a folder that holds `job.json`.

It needs this file, the folder `gpaw_job` beside it, numpy, ASE and GPAW: on a node of a cluster nothing else of the
platform has to be installed. What is computed, and how, stands in `gpaw_job`.
"""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    sys.exit(importlib.import_module("gpaw_job.main").main(sys.argv[1:]))
