"""`tnt`: what each command takes. What it does is imported when it is called, so that `--help` is instant."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .group import Group

app = typer.Typer(
    name="tnt",
    cls=Group,
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
Step = Annotated[int | None, typer.Option(min=-1, metavar="STEP", help="A step of `tnt history`.")]
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
    cleaning: Annotated[
        Literal["ask", "drop", "off"] | None,
        typer.Option(
            help="Ask again about labels that look wrong, drop them, or trust all. Default: ask; drop for `embedded`."
        ),
    ] = None,
    active_rounds: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Rounds in which the LLM also labels what a first student is unsure of. Default: 0.",
        ),
    ] = None,
    active_batch: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Texts a round. Default: a quarter of the label sample."),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="What the classifier sees of texts, such as `static+tfidf`. Default: `auto`, by cross-validation.",
        ),
    ] = None,
    head: Annotated[
        Literal["auto", "logistic", "linear", "lightgbm", "mlp", "knn"] | None,
        typer.Option(help="What makes labels of it. Default: `auto`, by cross-validation."),
    ] = None,
    min_docs_per_second: Annotated[
        float | None,
        typer.Option(metavar="N", help="Choose no classifier that is slower here. Default: no floor."),
    ] = None,
    agreement: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Give no category where this agreement with the LLM cannot be promised, such as .9.",
        ),
    ] = None,
    escalate: Annotated[
        bool, typer.Option("--escalate", help="Ask the LLM about those texts, within the budget.")
    ] = False,
    llm: Llm = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of everything that is drawn.")] = None,
    budget_tokens: BudgetTokens = None,
    pause_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Pause to show the taxonomy after every N minibatches. Default: at the end.",
        ),
    ] = None,
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
        "cleaning": cleaning,
        "active_rounds": active_rounds,
        "active_batch": active_batch,
        "features": features,
        "head": head,
        "min_docs_per_second": min_docs_per_second,
        "agreement": agreement,
        "escalate": escalate or None,
        "seed": seed,
        "budget_tokens": budget_tokens,
        "pause_every": pause_every,
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
def chat(
    workspace: Workspace,
    run: RunName = "main",
    yes: Annotated[bool, typer.Option("--yes", help="Apply every change at once, unseen.")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Take the run from a process that has not been heard of for long."),
    ] = False,
    llm: Llm = None,
    quiet: Quiet = False,
) -> None:
    """Talk about the taxonomy of a run: change it, ask about it, approve it."""
    from .chat import chat as talk

    raise typer.Exit(talk(workspace, run, yes=yes, take_over=take_over, llm=llm, quiet=quiet))


@app.command()
def show(workspace: Workspace, run: RunName = "main", at: Step = None, json: Json = False) -> None:
    """Show a run: where it stands, or stood at a step; its taxonomy, what it has cost."""
    if at is None:
        from .show import show_run

        show_run(workspace, run, as_json=json)
    else:
        from .history import show_moment

        show_moment(workspace, run, at, as_json=json)


@app.command()
def runs(workspace: Workspace) -> None:
    """List the runs of a workspace, forks below the run that they came from."""
    from .show import show_runs

    show_runs(workspace)


@app.command()
def history(
    workspace: Workspace,
    run: RunName = "main",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the newest N. Default: all.")
    ] = None,
    json: Json = False,
) -> None:
    """List the checkpoints of a run, a line each, the newest last."""
    from .history import show_history

    show_history(workspace, run, limit=limit, as_json=json)


@app.command()
def diff(
    workspace: Workspace,
    points: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] A [B]",
            help="Two steps, versions or runs; - is the newest, and so is a B that is left out. "
            "Of three the first is the run they are of, else it is main.",
        ),
    ],
    json: Json = False,
) -> None:
    """Compare two taxonomies: what came, went and changed, and how many labels with it."""
    from .diff import show_diff

    run, a, b = _points(points)
    show_diff(workspace, run, a, b, as_json=json)


def _points(points: list[str]) -> tuple[str, str, str]:
    match points:
        case [a]:
            return "main", a, "-"
        case [a, b]:
            return "main", a, b
        case [run, a, b]:
            return run, a, b
        case _:
            raise typer.BadParameter(
                f"{len(points)} are too many: give two steps, versions or runs, and before them the run."
            )


@app.command()
def fork(
    workspace: Workspace,
    run: RunName = "main",
    at: Step = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the new run. Default: the old one's with -2, -3, ...")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting of the new run; may be repeated."),
    ] = None,
) -> None:
    """Begin a new run where another stood at a step; the old one stays as it is."""
    from .fork import fork_run

    fork_run(workspace, run, at=at, name=name, changes=set_ or [])


@app.command()
def prune(
    workspace: Workspace,
    run: RunName = "main",
    keep_last: Annotated[
        int, typer.Option(min=1, metavar="N", help="Checkpoints to keep, the newest ones.")
    ] = 1,
) -> None:
    """Drop old checkpoints of a run and say how many bytes that freed; versions, edits and labels stay."""
    from .prune import prune_run

    prune_run(workspace, run, keep_last=keep_last)


@app.command()
def graph() -> None:
    """Print the graph of a run as Mermaid."""
    from .show import show_graph

    show_graph()


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
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes that label. Default: one for each core."),
    ] = None,
    agreement: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="LEVEL",
            help="Leave a text undefined where it is not sure that so many labels agree with the LLM's.",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder where a neural network's vectors are kept for a later call."
        ),
    ] = None,
    escalate: Annotated[
        bool, typer.Option("--escalate", help="Ask an LLM about those texts; nothing is asked without it.")
    ] = False,
    llm: Llm = None,
    budget_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Ask no more once so many tokens are used. Default: no limit."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget what an earlier call to the same OUT has finished.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Label any number of texts with a trained classifier, without an LLM unless you say so."""
    from .classify import classify_file

    code = classify_file(
        input,
        classifier=classifier,
        out=output,
        text_column=text_column,
        id_column=id_column,
        workers=workers,
        agreement=agreement,
        cache=cache,
        restart=restart,
        quiet=quiet,
        escalate=escalate,
        llm=llm,
        budget_tokens=budget_tokens,
    )
    raise typer.Exit(code)


@app.command()
def monitor(
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="Incoming texts, in any form that `tnt run` reads.")
    ],
    workspace: Workspace,
    run: RunName = "main",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="File for a row a text (label, confidence, novelty): .csv, .jsonl or .parquet.",
        ),
    ] = None,
    false_alarms: Annotated[
        float,
        typer.Option(metavar="RATE", help="Share of texts like the known ones that may be called new."),
    ] = 0.05,
    text_column: TextColumn = "text",
    id_column: IdColumn = None,
    json: Json = False,
) -> None:
    """Say what is different about incoming texts: what is new, which labels have shifted."""
    from .monitor import monitor_file

    monitor_file(
        new,
        workspace=workspace,
        run=run,
        out_path=output,
        text_column=text_column,
        id_column=id_column,
        rate=false_alarms,
        as_json=json,
    )


@app.command()
def evaluate(
    workspace: Workspace,
    run: RunName = "main",
    gold: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Gold labels by document id: CSV, TSV, JSONL or Parquet."),
    ] = None,
    gold_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Its column of labels; several as a list, or with | between."),
    ] = None,
    gold_id_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Its column of ids. Default: `id` where there is one, else the row."
        ),
    ] = None,
    gold_parent_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Its column of the classes above, where it has two levels."),
    ] = None,
    catch_all: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A gold class that only says that no other fits; may be repeated."),
    ] = None,
    human: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A sheet of `tnt annotate` that a person filled; may be repeated."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="RUN", help="Another run of the workspace: do both find the same?")
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC", help="An LLM, as `--llm` takes it, that judges labels; may be repeated."
        ),
    ] = None,
    judge_sample: Annotated[
        int, typer.Option(min=1, metavar="N", help="Documents that each judge is asked about.")
    ] = 60,
    other_use_case: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="How relevant a judge calls the categories to it is subtracted."),
    ] = None,
    budget_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Ask judges no more once they have used so many. Default: no limit."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of resamples and halves.")] = 0,
    json: Json = False,
) -> None:
    """Measure how good a run is: by itself, against gold labels, people, another run, or by an LLM as judge."""
    from .evaluate import show_evaluation

    code = show_evaluation(
        workspace,
        run,
        gold=gold,
        gold_column=gold_column,
        gold_id_column=gold_id_column,
        gold_parent_column=gold_parent_column,
        catch_all=catch_all or (),
        humans=human or (),
        against=against,
        seed=seed,
        judges=judge or (),
        judge_sample=judge_sample,
        other_use_case=other_use_case,
        budget_tokens=budget_tokens,
        as_json=json,
    )
    raise typer.Exit(code)


@app.command()
def annotate(
    workspace: Workspace,
    run: RunName = "main",
    count: Annotated[
        int, typer.Option("-n", "--count", min=1, metavar="N", help="Documents on the sheet.")
    ] = 200,
    output: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="SHEET", help="CSV file to write; the categories go beside it."),
    ] = Path("sheet.csv"),
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of what is drawn.")] = 0,
) -> None:
    """Write a blind sheet of documents that people label, for `tnt evaluate --human`."""
    from .annotate import write_sheet

    write_sheet(workspace, run, sheet=output, count=count, seed=seed)


@app.command()
def update(
    new: Annotated[str, typer.Argument(metavar="NEW", help="New texts, in any form that `tnt run` reads.")],
    workspace: Workspace,
    run: RunName = "main",
    name: Annotated[
        str | None, typer.Option(help="Name of the new run. Default: the old one's with -2, -3, ...")
    ] = None,
    text_column: TextColumn = "text",
    id_column: IdColumn = None,
    max_categories: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most categories from now on. Default: as many as before."),
    ] = None,
    llm: Llm = None,
    budget_tokens: BudgetTokens = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="Do not pause to show what would change: go on to the labels.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Go on from a finished run with new texts: only what is new to it can change the taxonomy."""
    from .update import update_run

    code = update_run(
        new,
        workspace=workspace,
        run=run,
        name=name,
        text_column=text_column,
        id_column=id_column,
        llm=llm,
        quiet=quiet,
        settings={
            key: value
            for key, value in (
                ("auto", auto),
                ("max_categories", max_categories),
                ("budget_tokens", budget_tokens),
            )
            if value is not None
        },
    )
    raise typer.Exit(code)


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
