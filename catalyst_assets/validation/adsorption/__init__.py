"""The validator `adsorption`: a candidate's lowest adsorption energy by a potential, computed from its bulk."""
