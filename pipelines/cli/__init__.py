"""The command `lms`: one module for each family of commands.

Results go to standard output, everything else to standard error. The exit status is 0 when all is done, 1 when it
failed, 2 for wrong usage or configuration, 3 when it is done but for some connections, parents or records.
"""

from pipelines.cli.backfill import backfill
from pipelines.cli.check import check
from pipelines.cli.connect import connect
from pipelines.cli.demo import demo
from pipelines.cli.erase import erase, prune
from pipelines.cli.group import main
from pipelines.cli.mapping import mapping
from pipelines.cli.passthrough import get_record, list_records
from pipelines.cli.providers import providers
from pipelines.cli.report import report
from pipelines.cli.reset import reset
from pipelines.cli.sandbox import sandbox
from pipelines.cli.serve import keys, serve
from pipelines.cli.status import status
from pipelines.cli.sync import sync
from pipelines.cli.transform import transform
from pipelines.cli.write import create, delete, update
from pipelines.cli.write_back import write_back

__all__ = ["main"]

for command in (
    demo,
    sync,
    backfill,
    transform,
    report,
    connect,
    check,
    list_records,
    get_record,
    create,
    update,
    delete,
    write_back,
    providers,
    mapping,
    status,
    reset,
    erase,
    prune,
    sandbox,
    serve,
    keys,
):
    main.add_command(command)
