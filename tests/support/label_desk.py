"""A run whose labels, classifier and outputs are made by the nodes themselves, without a graph around them."""

from contextlib import contextmanager
from types import SimpleNamespace

from node_bench import bench
from rule_model import RuleModel
from tnt_llm.nodes.active_round import active_round
from tnt_llm.nodes.classify_rest import classify_rest
from tnt_llm.nodes.clean_labels import clean_labels
from tnt_llm.nodes.labeler import labeler
from tnt_llm.nodes.publish import publish
from tnt_llm.nodes.settle_labels import settle_labels
from tnt_llm.nodes.state import CLEAN, DONE, LABEL, SETTLE
from tnt_llm.nodes.train_classifier import train_classifier
from tnt_llm.taxonomy.edits import Add
from tnt_llm.taxonomy.errors import Stopped
from tnt_llm.taxonomy.version import Author, Version

LETTER, REASON = "label_fast", "label_explain"


def about(topic, text=None):
    return {"name": f"{topic}s".title(), "description": text or f"Everything about a {topic} is in it."}


ROOT = Version.first()
FIRST = ROOT.then(
    [
        Add(**about("goal"), exemplars=(0, 1)),
        Add(**about("oven"), exemplars=(10, 11)),
        Add(**about("train"), exemplars=(20, 21)),
    ],
    author=Author.MODEL,
)
GOAL, OVEN, TRAIN = FIRST.taxonomy.ids


class Desk:
    """A run whose labels, classifier and outputs are made by the nodes themselves, without a graph around them."""

    def __init__(self, context, rule, texts):
        self.context = context
        self.texts = list(texts)
        self.rule = rule
        self.tables = context.workspace
        self.state = {"chosen": 0, "trials": {"0": {"index": 0, "path": [[0, 3, 0.25, 0.5]]}}, "counts": {}}
        self.tables.runs.create(
            "main", settings={"model": {"text": "fake", "reason": "named"}}, graph_version=2, status="running"
        )
        for version in (ROOT, FIRST):
            self.tables.versions.put("main", version)

    def edit(self, version, *edits):
        """The version that these edits lead to, all of them applied and kept."""
        child = version.then(edits, author=Author.HUMAN)
        assert len(child.edits) == len(edits)
        self.tables.versions.put("main", child)
        return child

    def do(self, node):
        """One step of the graph; the counts are put together as there."""
        given = node(self.state, SimpleNamespace(context=self.context))
        self.state |= {**given, "counts": {**self.state["counts"], **given.get("counts", {})}}

    def label(self, version):
        """Label a version; the texts that were asked about, in their order, and the rows by number."""
        before = len(self.rule.asked)
        self.state |= {"version": version.id, "phase": "label"}
        while self.state["phase"] != SETTLE:
            self.do(labeler)
        self.do(settle_labels)
        return self.asked(before), self.rows(version)

    def clean(self):
        """Examine new labels; numbers of the texts that were asked about once more."""
        before = len(self.rule.asked)
        self.state |= {"phase": CLEAN}
        while self.state["phase"] == CLEAN:
            self.do(clean_labels)
        return self.asked(before)

    def all_rounds(self, version):
        """Label a version with all rounds of active learning, cleaning after each; what each round added."""
        self.state |= {"version": version.id, "phase": LABEL}
        while self.state["phase"] == LABEL:
            while self.state["phase"] != SETTLE:
                self.do(labeler)
            self.do(settle_labels)
            self.clean()
            self.do(active_round)
        rounds = range(1, self.state["counts"].get("rounds", 0) + 1)
        return [self.tables.rounds.get("main", number) for number in rounds]

    def asked(self, since=0):
        """Numbers of the texts that labels were asked for, in their order, as often as they were."""
        texts = [values["text"] for name, values in self.rule.asked[since:] if name in (LETTER, REASON)]
        return sorted(self.texts.index(text.split(": ")[-1]) for text in texts)

    def rows(self, version):
        return {row.number: row for row in self.tables.labels.get("main", version.id)}

    def finish(self):
        """The rest of an approval; the folder of the outputs."""
        self.do(train_classifier)
        while self.state["phase"] != DONE:
            self.do(classify_rest)
        self.do(publish)
        return self.tables.run_folder("main")


@contextmanager
def desk(path, texts, rule=None, **settings):
    rule = rule or RuleModel()
    given = {"slice": 7, "balance": 2, "fit_quantile": 0.9, "cleaning": "ask", **settings}
    with bench(path, texts, rule.respond, **given) as (context, _):
        yield Desk(context, rule, texts)
    assert not rule.errors


class Dying(RuleModel):
    """Breaks off at the answers of these numbers."""

    def __init__(self, *moments, **given):
        super().__init__(**given)
        self.moments = set(moments)

    def respond(self, asked):
        if len(self.asked) + 1 in self.moments:
            self.moments.discard(len(self.asked) + 1)
            raise Stopped("killed")
        return super().respond(asked)
