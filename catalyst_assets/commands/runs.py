"""What commands that execute Dagster runs in their own process share."""


def quieten() -> None:
    """Keep what libraries say about themselves out of the progress bar; runs' own logs are in Dagster."""
    import logging
    import warnings

    import dagster as dg

    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    logging.getLogger("dagster").setLevel(logging.ERROR)
