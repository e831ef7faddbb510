"""The published benchmarks: plain functions behind `catalyst bench`."""
