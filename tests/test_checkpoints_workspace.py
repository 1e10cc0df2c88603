"""Opening a workspace, its runs and their names, and the versions of taxonomies."""

import pytest
from tnt_llm.checkpoints.database import Database
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.taxonomy.edits import Add, Remove
from tnt_llm.taxonomy.errors import (
    RunExistsError,
    RunNotFoundError,
    SettingsError,
    StorageError,
    VersionError,
    WorkspaceError,
)
from tnt_llm.taxonomy.version import Author, Version


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "work", create=True) as opened:
        yield opened


def start(workspace, name="main", **given):
    return workspace.runs.create(name, **{"settings": {}, "graph_version": 1, "status": "running"} | given)


class TestOpening:
    def test_a_workspace_is_made_with_its_folders_where_that_is_wanted(self, tmp_path):
        path = tmp_path / "deep" / "work"
        with Workspace.open(str(path), create=True) as workspace:
            assert workspace.path == path
            assert workspace.checkpoints_path == path / "checkpoints.sqlite"
        assert (path / "workspace.sqlite").is_file()

    def test_making_one_that_is_there_opens_it(self, tmp_path):
        with Workspace.open(tmp_path, create=True) as workspace:
            start(workspace)
        with Workspace.open(tmp_path, create=True) as workspace:
            assert [run.name for run in workspace.runs.list()] == ["main"]

    @pytest.mark.parametrize("name", ["nowhere", "."])
    def test_a_directory_that_is_none_is_told_and_left_alone(self, tmp_path, name):
        with pytest.raises(WorkspaceError, match=r"is not a workspace.*tnt run CORPUS"):
            Workspace.open(tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_its_place_is_told(self, tmp_path):
        (tmp_path / "work").write_text("x")
        with pytest.raises(StorageError, match="File exists"):
            Workspace.open(tmp_path / "work", create=True)

    def test_one_of_a_newer_tnt_is_refused(self, tmp_path):
        database = Database(tmp_path / "workspace.sqlite")
        database.put_meta("schema_version", "999")
        database.close()
        with pytest.raises(VersionError, match="Upgrade tnt"):
            Workspace.open(tmp_path)

    def test_closing_twice_is_fine(self, tmp_path):
        workspace = Workspace.open(tmp_path, create=True)
        workspace.close()
        workspace.close()

    def test_nothing_of_a_closed_workspace_is_left_beside_its_database(self, tmp_path):
        with Workspace.open(tmp_path, create=True) as workspace:
            start(workspace)
        assert [path.name for path in tmp_path.iterdir()] == ["workspace.sqlite"]


class TestRuns:
    def test_a_run_comes_back_as_it_was_made(self, workspace):
        made = start(
            workspace,
            settings={"use_case": "why?", "trials": 2, "half": "\ud83d"},
            thread_id="t1",
            parent="old",
            note="forked",
        )
        assert workspace.runs.get("main") == made
        assert made.settings == {"use_case": "why?", "trials": 2, "half": "\ud83d"}
        assert (made.name, made.thread_id, made.graph_version, made.status) == ("main", "t1", 1, "running")
        assert (made.parent, made.note) == ("old", "forked")
        assert made.created.endswith("+00:00")

    def test_runs_are_listed_the_oldest_first_with_threads_of_their_own(self, workspace):
        made = [start(workspace, name) for name in ("zebra", "ant", "bee")]
        assert workspace.runs.list() == made
        assert len({run.thread_id for run in made}) == 3

    def test_a_name_that_is_taken_says_what_to_do(self, workspace):
        start(workspace, status="awaiting")
        with pytest.raises(
            RunExistsError, match=r"run 'main' \(awaiting\).*tnt resume -w .* main.*--name OTHER"
        ):
            start(workspace, settings={"other": 1})
        assert workspace.runs.get("main").settings == {}

    def test_a_run_that_is_not_there_lists_those_that_are(self, workspace):
        with pytest.raises(RunNotFoundError, match=r"no run 'other'.*none yet"):
            workspace.runs.get("other")
        start(workspace, "one")
        start(workspace, "two")
        for ask in (
            lambda: workspace.runs.get("other"),
            lambda: workspace.runs.set_status("other", "done"),
            lambda: workspace.runs.update_settings("other", {}),
        ):
            with pytest.raises(RunNotFoundError, match=r"no run 'other'\. Runs there: one, two"):
                ask()

    def test_status_note_and_settings_can_be_changed(self, workspace):
        start(workspace, note="begun")
        start(workspace, "other")
        workspace.runs.set_status("main", "failed", "no endpoint")
        workspace.runs.update_settings("main", {"seed": 2})
        run = workspace.runs.get("main")
        assert (run.status, run.note, run.settings) == ("failed", "no endpoint", {"seed": 2})
        workspace.runs.set_status("main", "running")
        assert workspace.runs.get("main").note == ""
        assert workspace.runs.get("other").status == "running"

    @pytest.mark.parametrize("name", ["main", "a", "0", "by-cause_2.1", "x" * 64])
    def test_a_good_name_is_also_a_folder(self, workspace, name):
        assert start(workspace, name).name == name
        assert workspace.run_folder(name) == workspace.path / name

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "..",
            "-x",
            "_x",
            "A",
            "a/b",
            "a b",
            "x" * 65,
            "é",
            "main\n",
            "workspace.sqlite",
            "checkpoints.sqlite-wal",
        ],
    )
    def test_a_bad_name_is_refused_everywhere(self, workspace, name):
        with pytest.raises(SettingsError, match="cannot name a run"):
            start(workspace, name)
        with pytest.raises(SettingsError, match="cannot name a run"):
            workspace.run_folder(name)


class TestVersions:
    def chain(self):
        root = Version.first()
        one = root.then(
            [Add(op="add", name="Billing", description="Money.")], author=Author.MODEL, cap=5, note="a"
        )
        two = one.then(
            [Add(op="add", name="Shipping", description="Parcels.")], author=Author.HUMAN, cap=1, note="b"
        )
        return root, one, two

    def test_a_version_comes_back_as_it_was_with_its_refusals(self, workspace):
        chain = self.chain()
        for version in chain:
            workspace.versions.put("main", version)
        assert [workspace.versions.get(version.id) for version in chain] == list(chain)
        assert len(workspace.versions.get(chain[2].id).refused) == 1

    def test_the_path_leads_from_the_root(self, workspace):
        root, one, two = self.chain()
        side = one.then([Remove(op="remove", id="Billing")], author=Author.REVIEWER, cap=5, note="")
        for version in (root, one, two, side):
            workspace.versions.put("main", version)
        assert workspace.versions.path(two.id) == [root, one, two]
        assert workspace.versions.path(side.id) == [root, one, side]
        assert workspace.versions.path(root.id) == [root]

    def test_runs_share_versions_and_each_lists_its_own_in_order(self, workspace):
        root, one, two = self.chain()
        for version in (root, one, two, one):
            workspace.versions.put("main", version)
        for version in (root, one):
            workspace.versions.put("fork", version)
        assert workspace.versions.list("main") == [root, one, two]
        assert workspace.versions.list("fork") == [root, one]
        assert workspace.versions.list("new") == []
        assert workspace.database.execute("SELECT count(*) FROM versions") == [(3,)]

    def test_a_version_without_its_parent_is_refused(self, workspace):
        root, one, _ = self.chain()
        with pytest.raises(WorkspaceError, match=f"no taxonomy version '{root.id}'"):
            workspace.versions.put("main", one)
        assert workspace.versions.list("main") == []

    def test_a_version_that_is_not_there_is_told(self, workspace):
        for ask in (workspace.versions.get, workspace.versions.path):
            with pytest.raises(WorkspaceError, match="no taxonomy version 'nothing'"):
                ask("nothing")
