"""Work that is out: calculations that validators run, and what laboratories are asked for."""
