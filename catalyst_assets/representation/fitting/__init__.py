"""Fitting graph networks to properties. Import these modules inside functions only: they import torch."""
