"""`atlascan demo`: a whole scan of a made-up company, replayed through the same code as `scan`."""

from pathlib import Path

import click

from scanner import evaluate, snapshots
from scanner.cli import collection, options, output, pipeline
from scanner.shipped import shipped


@click.command("demo")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="atlascan-demo",
    show_default=True,
    help="Where the files go.",
)
@options.templates
def command(*, folder: Path, templates: Path | None) -> None:
    """Scan a made-up company from a recording: no credentials, no network, the same collectors and policies as `scan`.

    The worst is shown in full; the files hold the rest.
    """
    from scanner.render import formats, text  # noqa: PLC0415  see scanner.render.formats

    recorded = shipped("cassettes") / "demo"
    config = pipeline.load_config(recorded / "atlascan.yaml")
    target = folder / options.SNAPSHOT
    by = pipeline.criteria(config)
    collection.take(
        config, str(target), needs=evaluate.needs(by.rules), how=collection.How(replay=recorded), now=pipeline.utc_now()
    )
    report = pipeline.judge(config, by, snapshots.load(str(target)))
    files = {"html": folder / "report.html", "junit": folder / "junit.xml", "json": folder / "result.json"}
    for name, path in files.items():
        output.to_file(path, formats.load(name, templates)(report))
    output.show_page(text.digest(report))
    code = report.gate.exit_code
    lines = [
        "",
        f"  report    {files['html']}    open this in a browser",
        f"  junit     {files['junit']}    for a CI server",
        f"  result    {files['json']}    for `atlascan report`",
        f"  snapshot  {target}    for `atlascan check`",
        "",
        f"This was a demonstration and exits 0. As a gate in a pipeline, this scan would exit {code}.",
    ]
    output.to_stdout("\n".join(lines))
