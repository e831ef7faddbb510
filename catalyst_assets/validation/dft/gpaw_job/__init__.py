"""One calculation from `job.json` to `result.json`.

The modules import each other relatively, and nothing of the platform: the folder is also loaded by itself, by
`calculation.py` on a machine where GPAW is and the platform is not.
"""
