"""`postroom install` and `remove`: what comes into the files of a person goes out again, and leaves no trace."""

from __future__ import annotations

import json
import os
import tomllib

import pytest

from postroom.harnesses.table import MODULES, harness
from tests.harnesses.conftest import ALL, OWN

each_harness = pytest.mark.parametrize("name", ALL)


def test_the_table_has_them_all():
    assert list(MODULES) == ALL
    assert [harness(name).name for name in ALL] == ALL


@each_harness
def test_what_is_installed_is_removed_byte_for_byte(owner, name):
    before = owner.tree()
    owner.ok("install", name, "--yes")
    assert owner.tree() != before
    owner.ok("remove", name, "--yes")
    assert owner.tree() == before


@each_harness
def test_in_an_empty_home_nothing_is_left(person, name):
    before = person.tree()
    person.ok("install", name, "--yes")
    person.ok("remove", "--yes")
    assert person.tree() == before


@pytest.mark.parametrize("name", [name for name in ALL if "project" in harness(name).scopes])
def test_in_a_project_nothing_is_left(person, name, monkeypatch):
    project = person.home / "webshop"
    project.mkdir()
    monkeypatch.chdir(project)
    before = person.tree()
    person.ok("install", name, "--scope", "project", "--yes")
    assert any(path.startswith("webshop/") for path in person.tree().keys() - before.keys())
    person.ok("remove", name, "--yes")
    assert person.tree() == before


def test_every_harness_that_is_here_is_connected_and_no_other(owner):
    done = owner.objects("install", "--yes")
    assert [one["harness"] for one in done] == ALL
    (owner.home / "elsewhere").mkdir()
    assert owner("install", "--yes", HOME=str(owner.home / "elsewhere")).code == 64


def test_installing_twice_changes_nothing(owner):
    owner.ok("install", "--yes")
    before = owner.tree()
    assert [one["outcome"] for one in owner.objects("install", "--yes")] == ["is configured already"] * len(ALL)
    assert owner.tree() == before


def test_the_settings_of_the_person_stay_and_ours_are_there(owner):
    owner.ok("install", "--yes")
    servers = json.loads(owner.read(".claude.json"))["mcpServers"]
    assert servers["other"] == {"command": "x", "args": []}
    assert os.path.isabs(servers["postroom"]["command"])
    assert servers["postroom"]["args"][-3:] == ["--home", str(owner.home / "postroom"), "mcp"]
    hooks = json.loads(owner.read(".claude/settings.json"))["hooks"]
    assert [group["hooks"][0]["command"].split()[-1] for group in hooks["Stop"]] == ["done", "Stop"]
    codex = tomllib.loads(owner.read(".codex/config.toml"))
    assert (codex["tui"], codex["mcp_servers"]["other"]) == ({"theme": "dark"}, {"command": "x"})
    assert codex["mcp_servers"]["postroom"]["args"][-1] == "mcp"
    assert "// night" in owner.read(".config/opencode/opencode.jsonc")


def test_what_the_person_wrote_since_stays(owner):
    owner.ok("install", "claude-code", "codex", "goose", "--yes")
    for name, mark, new in (
        (".claude.json", '"numStartups": 3', '"numStartups": 4'),
        (".claude/settings.json", '"opus"', '"haiku"'),
        (".codex/config.toml", 'theme = "dark"', 'theme = "light"'),
        (".config/goose/config.yaml", "gpt", "gpt-6"),
    ):
        owner.write({name: owner.read(name).replace(mark, new)})
    owner.ok("remove", "--yes")
    assert owner.read(".claude.json") == OWN[".claude.json"].replace("3", "4")
    assert owner.read(".claude/settings.json") == OWN[".claude/settings.json"].replace("opus", "haiku")
    assert owner.read(".codex/config.toml") == OWN[".codex/config.toml"].replace("dark", "light") + "\n"
    assert owner.read(".config/goose/config.yaml") == OWN[".config/goose/config.yaml"].replace("gpt", "gpt-6")
    assert not (owner.home / "postroom").exists()


def test_what_another_program_put_beside_it_stays(person):
    person.ok("install", "claude-code", "gemini-cli", "--yes")
    settings = json.loads(person.read(".claude.json"))
    settings["mcpServers"]["theirs"] = {"command": "y"}
    rewritten = json.dumps(json.loads(person.read(".gemini/settings.json")))
    person.write({".claude.json": json.dumps(settings), ".gemini/settings.json": rewritten})
    person.ok("remove", "--yes")
    assert json.loads(person.read(".claude.json")) == {"mcpServers": {"theirs": {"command": "y"}}}
    assert not (person.home / ".gemini").exists()


def test_a_server_that_was_entered_by_hand_comes_back(person):
    by_hand = '{"mcpServers": {"postroom": {"command": "/old/postroom", "args": ["mcp"]}}}'
    person.write({".claude.json": by_hand})
    person.ok("install", "claude-code", "--yes")
    assert "/old/postroom" not in person.read(".claude.json")
    person.ok("remove", "--yes")
    assert person.read(".claude.json") == by_hand


def test_what_is_left_of_an_installation_that_nobody_remembers_is_taken_out(owner):
    owner.ok("install", "claude-code", "codex", "--yes")
    (owner.home / "postroom" / "installed.json").unlink()
    owner.ok("remove", "--yes")
    assert owner.read(".claude.json") == OWN[".claude.json"]
    assert not (owner.home / ".claude/skills/postroom/SKILL.md").exists()
    assert "postroom" not in owner.read(".claude.json") + owner.read(".claude/settings.json") + owner.read(".codex/config.toml")


def test_a_program_that_moved_is_configured_anew(person):
    person.ok("install", "claude-code", "gemini-cli", "--yes")
    moved = person.home / "elsewhere"
    person.ok("install", "--yes", POSTROOM_HOME=str(moved))
    settings = person.read(".claude/settings.json") + person.read(".gemini/settings.json")
    assert settings.count(" hook Stop") == 1
    assert settings.count(" hook AfterAgent") == 1
    assert f"--home {person.home}/postroom" not in settings
    assert person.objects("install", "--yes", POSTROOM_HOME=str(moved))[0]["outcome"] == "is configured already"


@pytest.mark.parametrize(
    "path, text, line, why",
    [
        (".claude.json", '{\n  "a": 1\n  "b": 2\n}', 3, "a comma or '}' is missing."),
        (".claude/settings.json", '{"hooks": []}', 1, "an object is needed here, for 'SessionStart'."),
        (".claude/settings.json", '{"hooks": {\n"Stop": {}}}', 2, "'Stop' is not a list."),
        (".codex/config.toml", "a = 1\nb = \n", 2, "invalid value."),
        (".codex/config.toml", "mcp_servers = {}\n", 1, "mcp_servers.postroom cannot be added to what is there; add it by hand."),
        (".config/goose/config.yaml", "a: 1\n\tb: 2\n", 2, "a tab indents it, which YAML does not allow."),
    ],
)
def test_a_broken_file_is_reported_and_left_alone(owner, path, text, line, why):
    owner.write({path: text})
    before = owner.tree()
    done = owner("install", "--yes")
    assert done.code == 78
    assert done.err == f"postroom: {owner.home}/{path}, line {line}: {why} Nothing in it was changed.\n"
    changed = {name for name, what in owner.tree().items() if name in before and before[name] != what}
    assert path not in changed
    assert ".config/amp/settings.json" in changed, "the other harnesses are connected all the same"


BROKEN = {
    ".codeium/windsurf/mcp_config.json": "{",
    ".codex/config.toml": "b = \n",
    ".cursor/mcp.json": "\0",
    ".config/zed/settings.json": "[",
}


@pytest.mark.parametrize("which", [(), ("windsurf", "codex", "cursor", "zed")])
def test_files_that_cannot_be_read_are_in_no_way_where_nothing_of_ours_is(person, which):
    person.write(BROKEN)
    before = person.tree()
    assert person("remove", "--yes", *which).code == 0
    assert person.tree() == before


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_taken_out(owner):
    before = owner.tree()
    owner.ok("install", "--yes")
    path = owner.home / ".gemini" / "settings.json"
    path.write_text("{" + path.read_text())
    done = owner("remove", "--yes")
    assert (done.code, done.err) == (78, f"postroom: {path}, line 1: a key in double quotes is missing. Nothing in it was changed.\n")
    assert {name for name, what in owner.tree().items() if before.get(name) != what} == {
        ".gemini/settings.json",
        "postroom",
        "postroom/installed.json",
    }, "also the skill of that harness is gone"
    path.write_text("{")
    assert "nothing of Postroom is in it any more" in owner.ok("remove", "--yes")
    assert owner.ok("remove", "gemini-cli", "--yes") == "Gemini CLI has nothing of Postroom\n"


def test_a_file_that_goes_is_one_line(person):
    person.ok("install", "claude-code", "--yes")
    lines = person.ok("remove", "--yes").splitlines()
    skill = person.home / ".claude/skills/postroom/SKILL.md"
    assert any(line.startswith(f"  - {skill}  (") for line in lines)
    assert len(lines) < 10


def test_a_file_that_is_no_text_is_left_alone(person):
    (person.home / ".cursor").mkdir()
    (person.home / ".cursor" / "mcp.json").write_bytes(b'{"a": "\xff"}')
    done = person("install", "cursor", "--yes", "--json")
    assert (done.code, done.failure["error"]) == (78, "foreign-file")
    assert "byte 8" in done.failure["message"]


def test_a_skill_of_the_same_name_is_not_written_over(person):
    person.write({".claude/skills/postroom/SKILL.md": "my own\n"})
    done = person("install", "claude-code", "--yes")
    assert done.code == 78
    assert "move it away first" in done.err
    assert not (person.home / ".claude.json").exists()


def test_a_skill_that_was_edited_since_stays(person):
    person.ok("install", "claude-code", "--yes")
    person.write({".claude/skills/postroom/SKILL.md": "edited\n"})
    said = person.ok("remove", "--yes")
    assert "it was edited since it was made, so it stays" in said
    assert "2 files changed." in said
    assert person.read(".claude/skills/postroom/SKILL.md") == "edited\n"


def test_links_and_modes_stay(person):
    person.write({"dotfiles/claude.json": "{}\n"}, mode=0o640)
    (person.home / ".claude.json").symlink_to("dotfiles/claude.json")
    before = person.tree()
    person.ok("install", "claude-code", "--yes")
    assert (person.home / ".claude.json").is_symlink()
    assert (person.home / "dotfiles/claude.json").stat().st_mode & 0o777 == 0o640
    assert "postroom" in person.read("dotfiles/claude.json")
    person.ok("remove", "--yes")
    assert person.tree() == before


def test_a_file_that_cannot_be_written_is_reported(person):
    person.write({".cursor/mcp.json": "{}"})
    (person.home / ".cursor" / "mcp.json").unlink()
    (person.home / ".cursor" / "mcp.json").mkdir()
    done = person("install", "cursor", "--yes")
    assert (done.code, "it cannot be read (Is a directory)" in done.err) == (78, True)


def test_a_dry_run_shows_and_changes_nothing(owner):
    before = owner.tree()
    shown = owner.ok("install", "--dry-run")
    assert '+    "postroom": {' in shown
    assert owner.tree() == before
    assert owner("remove", "--dry-run") == (0, "", "postroom: there is nothing to remove\n")
    assert owner.tree() == before


def test_without_a_person_nothing_is_changed(owner):
    before = owner.tree()
    assert owner("install").code == 64
    assert owner.tree() == before


@pytest.mark.parametrize("answer, code", [("y", 0), ("n", 1), ("", 1)])
def test_the_person_is_asked(owner, answer, code):
    before = owner.tree()
    with owner.terminal("install", "cursor") as terminal:
        terminal.read_until("Change 1 file? [y/N]")
        terminal.type(f"{answer}\n")
        assert terminal.end()[0] == code
    assert (owner.tree() == before) == bool(code)


def test_a_harness_that_does_not_exist_is_an_error_with_a_hint(person):
    done = person("install", "claude-cod")
    assert done.code == 64
    assert "Did you mean claude-code?" in done.err


def test_a_harness_without_projects_says_so(person):
    done = person("install", "windsurf", "--scope", "project", "--yes")
    assert (done.code, done.err) == (0, "postroom: Windsurf has no configuration of projects\n")


def test_how_it_stands_is_said_in_words(person):
    person.write({".cursor/mcp.json": "{}", ".config/zed/settings.json": "{}"})
    person.ok("install", "cursor", "--yes")
    rows = [line.split(None, 2) for line in person.ok("install", "--status").splitlines()]
    assert [(mark, name, facts.strip()) for mark, name, facts in rows] == [
        ("–", "Cursor", "configured         not tried, as the program cursor is not on the path"),
        ("✗", "Zed", "not configured     to connect it: postroom install zed"),
    ]


def test_a_damaged_memory_is_reported(person):
    person.ok("install", "cursor", "--yes")
    person.write({"postroom/installed.json": "{]"})
    done = person("remove", "cursor", "--yes")
    assert (done.code, "it is damaged" in done.err) == (78, True)


def test_tools_may_be_asked_for_each_time(person):
    person.ok("install", "claude-code", "codex", "gemini-cli", "opencode", "--ask", "--yes")
    assert "permissions" not in person.read(".claude/settings.json")
    assert "approve" not in person.read(".codex/config.toml")
    assert json.loads(person.read(".gemini/settings.json"))["mcpServers"]["postroom"]["trust"] is False
    assert json.loads(person.read(".config/opencode/opencode.json"))["permission"] == {"postroom_*": "ask"}


def test_what_models_are_told_is_short():
    from postroom.harnesses.shipped import PLUGIN, text

    assert len(text("plugin", "skills", "postroom", "SKILL.md").split()) < 300
    for name in (".claude-plugin/plugin.json", ".claude-plugin/marketplace.json", ".mcp.json", "hooks/hooks.json"):
        with open(os.path.join(PLUGIN, name), encoding="utf-8") as file:
            json.load(file)
