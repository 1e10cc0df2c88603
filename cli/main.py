"""`tnt`: what each command takes. What it does is imported when it is called, so that `--help` is instant."""

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from ..taxonomy.errors import Pause, TntError
from .exit_codes import ExitCode, code_of


class _Group(TyperGroup):
    """Turns errors into messages and exit codes, at one place for all commands."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own context, under two names
        """Call the command."""
        try:
            return super().invoke(ctx)
        except TntError as error:
            _explain(error, debug=bool(ctx.params.get("debug")))
            raise typer.Exit(code_of(error)) from error
        except (BrokenPipeError, typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # wrong usage: typer explains it and exits with 2
                raise
            _explain_unexpected(error, debug=bool(ctx.params.get("debug")))
            raise typer.Exit(ExitCode.ERROR) from error


def _explain(error: TntError, *, debug: bool) -> None:
    from .console import complain, err, say

    if isinstance(error, Pause):
        say(str(error), to=err())
    elif debug:
        traceback.print_exception(error, file=sys.stderr)
    else:
        complain("\n".join([f"Error: {error}", *getattr(error, "__notes__", [])]))


def _explain_unexpected(error: Exception, *, debug: bool) -> None:
    from .console import complain

    if debug:
        traceback.print_exception(error, file=sys.stderr)
        return
    complain(f"Error: {type(error).__name__}: {error}")
    complain(
        "This is a fault in tnt: `tnt --debug` with the same command shows where. "
        "What a run has finished is kept; `tnt resume` goes on from there."
    )


app = typer.Typer(
    name="tnt",
    cls=_Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From a pile of texts to a label taxonomy and a fast classifier, in a run that can be resumed.",
)

Workspace = Annotated[
    Path, typer.Option("-w", "--workspace", help="Folder that holds one corpus and the runs on it.")
]
RunName = Annotated[str, typer.Argument(metavar="[RUN]", help="Name of the run.", show_default=True)]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
TextColumn = Annotated[str, typer.Option(help="Column, or field, that holds the text.")]
IdColumn = Annotated[
    str | None,
    typer.Option(help="Column that holds your ids. Default: `id` where there is one, else the row."),
]
Llm = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="`embedded`, `openai:MODEL`, `http://host:port/v1#MODEL` or `provider:MODEL`. "
        "Default: OpenAI's where OPENAI_API_KEY is set, else `embedded`.",
    ),
]
BudgetTokens = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Pause once the run has used so many tokens. Default: no limit."),
]


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"tnt {__version__}")
        raise typer.Exit


@app.callback()
def tnt(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and more of the log.")] = False,
    version: Annotated[  # noqa: ARG001  # its callback has printed it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""
    from .console import prepare

    prepare(debug=debug)


@app.command()
def run(
    corpus: Annotated[
        str,
        typer.Argument(help="CSV, TSV, JSONL or Parquet file, folder of .txt files, or - (a text a line)."),
    ],
    workspace: Workspace,
    use_case: Annotated[str, typer.Option(help="What you want to learn from the texts, in a sentence.")],
    name: Annotated[str, typer.Option(help="Name of the run, and of its folder in the workspace.")] = "main",
    text_column: TextColumn = "text",
    id_column: IdColumn = None,
    max_categories: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most categories the taxonomy may have. Default: 25."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Texts that the taxonomy is built from. Default: fewer for `embedded`."
        ),
    ] = None,
    label_sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Texts that the LLM labels. Default: fewer for `embedded`."),
    ] = None,
    minibatch: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Texts that each update of the taxonomy looks at.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most passes over the sample; convergence ends it earlier."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Independent taxonomies, of which the best is chosen."),
    ] = None,
    update: Annotated[
        Literal["residual", "paper"] | None,
        typer.Option(
            help="Learn from misfits, or from whole minibatches as in the paper. Default: residual."
        ),
    ] = None,
    labels: Annotated[
        Literal["fast", "explain"] | None,
        typer.Option(help="One token a text, or a reason and every label that applies. Default: fast."),
    ] = None,
    max_words: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Longer texts are summarised first.")
    ] = None,
    llm: Llm = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of everything that is drawn.")] = None,
    budget_tokens: BudgetTokens = None,
    auto: Annotated[
        bool,
        typer.Option("--auto", help="Do not pause to show the taxonomy: go on to labels and classifier."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Build a taxonomy of a corpus, label it, and train a classifier."""
    from .work import start

    optional = {
        "max_categories": max_categories,
        "sample": sample,
        "label_sample": label_sample,
        "minibatch": minibatch,
        "epochs": epochs,
        "trials": trials,
        "update": update,
        "labels": labels,
        "max_words": max_words,
        "seed": seed,
        "budget_tokens": budget_tokens,
    }
    code = start(
        corpus,
        workspace=workspace,
        name=name,
        use_case=use_case,
        text_column=text_column,
        id_column=id_column,
        llm=llm,
        quiet=quiet,
        # The defaults of the settings live with the settings: only what was given is passed on.
        settings={"auto": auto} | {key: value for key, value in optional.items() if value is not None},
    )
    raise typer.Exit(code)


@app.command()
def resume(
    workspace: Workspace,
    run: RunName = "main",
    approve: Annotated[
        bool, typer.Option("--approve", help="The taxonomy is good: go on to labels and classifier.")
    ] = False,
    llm: Llm = None,
    budget_tokens: BudgetTokens = None,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was stopped, killed or paused."""
    from .work import go_on

    code = go_on(
        workspace=workspace, name=run, approve=approve, llm=llm, budget_tokens=budget_tokens, quiet=quiet
    )
    raise typer.Exit(code)


@app.command()
def show(workspace: Workspace, run: RunName = "main", json: Json = False) -> None:
    """Show a run: where it stands, its taxonomy, what it has cost."""
    from .show import show_run

    show_run(workspace, run, as_json=json)


@app.command()
def runs(workspace: Workspace) -> None:
    """List the runs of a workspace."""
    from .show import show_runs

    show_runs(workspace)


@app.command()
def classify(
    input: Annotated[  # noqa: A002  # the name that `tnt classify --help` shows
        str, typer.Argument(help="Texts, in any form that `tnt run` reads.")
    ],
    classifier: Annotated[
        Path,
        typer.Option("-c", "--classifier", help="A run's classifier, such as WORKSPACE/main/classifier."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="File to write: .csv, .jsonl or .parquet.")
    ],
    text_column: TextColumn = "text",
    id_column: IdColumn = None,
    quiet: Quiet = False,
) -> None:
    """Label any number of texts with a trained classifier, without an LLM."""
    from .work import classify_file

    classify_file(
        input, classifier=classifier, out=output, text_column=text_column, id_column=id_column, quiet=quiet
    )


@app.command()
def doctor(
    workspace: Annotated[
        Path, typer.Option("-w", "--workspace", help="Folder to check for space and permission.")
    ] = Path(),
    json: Json = False,
) -> None:
    """Check that everything tnt needs is here and works."""
    from .doctor import examine

    raise typer.Exit(examine(workspace, as_json=json))
