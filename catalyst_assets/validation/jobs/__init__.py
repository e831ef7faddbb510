"""Calculations as processes of their own: who they are, how they are started, followed, limited and answered for."""
