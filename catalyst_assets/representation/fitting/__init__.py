"""Fitting graph networks to properties. Modules that import torch are imported inside functions only."""
