"""No block of the documentation is left out: each is typed, run, read by a program, or named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tickcast_server.settings import load_settings as load_server_settings
from tickcast_trainer.configuration import load_settings
from tickcast_trainer.promotion.settings import PromoteSettings
from tickcast_trainer.settings import TrainSettings

from tests.documentation.blocks import COMMANDS, ROOT, Block, blocks_of, commands_of, pages
from tests.documentation.not_run import NOT_RUN, NotRun, is_run
from tests.documentation.scenes import SERVED, STARTED, TRAINED

BLOCKS = [block for page in pages() for block in blocks_of(page)]
LANGUAGES = COMMANDS | {"python", "text", "toml", "ts", "yaml"}

TYPESCRIPT = ROOT / "clients" / "typescript"


def of(language: str) -> list[Block]:
    """The blocks in a language."""
    return [block for block in BLOCKS if block.language == language]


def place(block: Block) -> str:
    """The name of a test of a block."""
    return block.place


def serve(file: Path) -> object:
    return load_server_settings(config=file, environ={})


def train(file: Path) -> object:
    return load_settings(TrainSettings, ["--config", str(file)])


def promote(file: Path) -> object:
    return load_settings(PromoteSettings, ["daily-ridge", "--config", str(file)])


# Who reads the settings of a page.
READERS: dict[str, Callable[[Path], object]] = {
    "docs/operations.md": serve,
    "docs/promotion.md": promote,
}


def is_typed(block: Block) -> bool:
    """Whether a block has something that a reader types or runs."""
    if block.language in COMMANDS:
        return any(is_run(block.page, command) for command in commands_of(block))
    return block.language == "python" or bool(block.title)


def test_every_page_with_something_to_type_is_followed() -> None:
    assert {block.page for block in BLOCKS if is_typed(block)} == {*SERVED, *STARTED, *TRAINED}


@pytest.mark.parametrize("block", BLOCKS, ids=place)
def test_every_block_is_in_a_language_that_is_checked(block: Block) -> None:
    # One with a title is a file that the commands of the page use.
    assert block.language in LANGUAGES or block.title


@pytest.mark.parametrize("entry", NOT_RUN, ids=lambda entry: f"{entry.page}: {entry.begins}")
def test_what_is_not_run_is_there(entry: NotRun) -> None:
    commands = [
        command
        for block in BLOCKS
        if block.page == entry.page and block.language in COMMANDS
        for command in commands_of(block)
    ]
    assert any(command.startswith(entry.begins) for command in commands)


@pytest.mark.parametrize("block", of("toml"), ids=place)
def test_settings_are_read_by_the_program_that_takes_them(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(block.text)
    assert READERS[block.page](file)


@pytest.mark.parametrize(
    "example", sorted(ROOT.glob("examples/*.toml")), ids=lambda file: file.name
)
def test_settings_of_the_examples_are_read_by_training(example: Path) -> None:
    assert train(example)


@pytest.mark.parametrize("block", of("yaml"), ids=place)
def test_yaml_is_yaml(block: Block) -> None:
    assert YAML(typ="safe").load(block.text)


@pytest.mark.skipif(not (TYPESCRIPT / "node_modules").exists(), reason="needs npm ci of clients")
def test_typescript_has_the_types_of_the_client(tmp_path: Path) -> None:
    settings = json.loads((TYPESCRIPT / "tsconfig.json").read_text())
    settings["compilerOptions"] |= {
        "paths": {"@tickcast/client": [str(TYPESCRIPT / "src" / "index.ts")]},
        # An example may end with what it has.
        "noUnusedLocals": False,
        "typeRoots": [str(TYPESCRIPT / "node_modules" / "@types")],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings | {"include": ["*.ts"]}))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for page in {block.page for block in of("ts")}:
        blocks = [block.text for block in of("ts") if block.page == page]
        (tmp_path / f"{page.replace('/', '_')}.ts").write_text("\n".join(blocks))
    compiler = TYPESCRIPT / "node_modules" / ".bin" / "tsc"
    checked = subprocess.run(
        [compiler, "--project", tmp_path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
