"""What runs in a potential's own environment: `program` starts it there, and it imports nothing of ours but this folder.

What a job is and how it is answered stands in `protocol`. torch-sim does not serve here: with Python 3.11 its newest is
0.3.0, which holds no atoms fixed, gives up a whole batch for one bad structure, and lacks what sevenn's adapter imports
(`torch_sim.neighbors.torchsim_nl`); so `relax` has the optimiser, with the same replacement in flight.
"""
