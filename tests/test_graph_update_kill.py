"""An update that is killed anywhere goes on by `resume`, and comes to what it would have come to."""

import shutil

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.graph.run import Run, RunStatus
from tnt_llm.graph.update import begin_update
from toy_runs import SMALL, messages, patch_all, rows, workers
from toy_texts import texts_about

FEW = {"sample": 80, "label_sample": 40, "minibatch": 40, "max_categories": 8}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A workspace with a finished run and one that is to update it; an uninterrupted copy of it; the endpoint."""
    folder = tmp_path_factory.mktemp("kill")
    model = RuleModel()
    news = [*messages(5, seed=7), *(f"strange {text}" for text in texts_about("strange", 16, 7))]
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model) as stub:
        patch_all(patch)
        Run.start(messages(25), workspace=folder / "work", llm=stub.spec, **{**SMALL, **FEW})
        begin_update(folder / "work", "main", news, auto=True)
        shutil.copytree(folder / "work", folder / "whole", symlinks=True)
        whole = Run.open(folder / "whole", "main-2").resume()
        assert whole.status is RunStatus.DONE
        yield folder, whole, model
    assert not model.errors


@pytest.mark.parametrize(
    "stage", ["novel", "summarize", "update", "label", "settle_labels", "train", "publish"]
)
def test_a_killed_update_comes_to_the_same_and_asks_no_more(begun, stage, tmp_path):
    folder, whole, model = begun
    work = shutil.copytree(folder / "work", tmp_path / "work", symlinks=True)
    asked = len(model.asked)
    with workers() as start:
        worker = start("resume", workspace=work, name="main-2")
        for told, done, _ in worker.told():
            if told == stage and (done or stage not in ("summarize", "label")):
                worker.kill()
                break
        assert worker.end() == -9
    again = Run.open(work, "main-2").resume()
    assert again.status is RunStatus.DONE
    assert again.state["version"] == whole.state["version"]
    assert again.labels.equals(whole.labels)
    # Each question once; those in flight when it was killed are asked again.
    whole_calls = rows(
        folder / "whole" / "workspace.sqlite", "SELECT count(*) FROM calls WHERE run = 'main-2'"
    )[0][0]
    assert len(model.asked) - asked <= whole_calls + 10
    assert (work / "main" / "labels.csv").read_bytes() == (
        folder / "work" / "main" / "labels.csv"
    ).read_bytes()
