"""Graph networks behind one interface: MACE, SchNet, DimeNet++. Import these modules inside functions only: they import torch."""
