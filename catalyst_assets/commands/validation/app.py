"""`catalyst validation`: assembles its commands."""

import typer

from catalyst_assets.commands.validation.export import export
from catalyst_assets.commands.validation.results import retract
from catalyst_assets.commands.validation.start import return_, start
from catalyst_assets.commands.validation.submit import submit
from catalyst_assets.commands.validation.work import cancel, list_, retry

app = typer.Typer(
    no_args_is_help=True,
    help="See what waits for validation, try it again or cancel it, hand in results.",
)
app.command("list")(list_)
app.command("export")(export)
app.command("start")(start)
app.command("return")(return_)
app.command("submit")(submit)
app.command("retry")(retry)
app.command("cancel")(cancel)
app.command("retract")(retract)
