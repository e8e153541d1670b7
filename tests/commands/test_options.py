"""The options of the commands: one frozen model each, from words and from YAML."""

import subprocess
import sys

import pytest
from command_runs import ROOT, run_here
from pydantic import Field, ValidationError
from pydantic_settings import get_subcommand

from atp_ray.__main__ import COMMANDS, main
from atp_ray.align.options import AlignOptions, GrpoOptions, PairsOptions
from atp_ray.checkpoints.options import CheckpointsOptions
from atp_ray.cli.options import CommandOptions
from atp_ray.cli.parsing import parse_options
from atp_ray.errors import UsageError
from atp_ray.report.options import ReportOptions
from atp_ray.serve.options import ServeOptions
from atp_ray.simulate.options import SimulateOptions
from atp_ray.sweep.options import SweepOptions


def sweep(*words: object) -> SweepOptions:
    return parse_options(SweepOptions, [str(word) for word in words], "sweep")


@pytest.fixture
def yaml_file(tmp_path):
    def write(text: str):
        path = tmp_path / "options.yaml"
        path.write_text(text)
        return path

    return write


def test_repeated_flags_keep_their_values_whole() -> None:
    values = ["rewards=1,2,3", 'label="a, b"', "path=C:\\x", "[1, 2]", "7", ""]
    options = sweep(*[word for value in values for word in ("--set", value)], "--checkpoint", "a", "--checkpoint=b,c")
    assert list(options.set) == values
    assert options.checkpoint == ("a", "b,c")


def test_environment_variables_are_not_read(monkeypatch) -> None:
    for name in ("GRID", "grid", "HOST", "port", "address"):
        monkeypatch.setenv(name, "1")
    assert sweep() == SweepOptions()
    assert parse_options(ServeOptions, [], "serve") == ServeOptions()


def test_options_are_frozen_and_bounded() -> None:
    with pytest.raises(ValidationError):
        sweep().grid = "smoke"
    with pytest.raises(ValidationError):
        ServeOptions(agents=0)
    with pytest.raises(ValidationError):
        ServeOptions(agent=1)


def test_yaml_gives_any_flag_and_the_command_line_wins(yaml_file) -> None:
    text = "grid: smoke\nrounds: 4\ndry-run: true\nn_agents: 16\ncheckpoint: [a, b]\nset: rewards=1,2,3\nseeds:\n"
    options = sweep("--config", yaml_file(text), "--rounds", 5, "--checkpoint", "c")
    assert (options.grid, options.rounds, options.dry_run, options.n_agents) == ("smoke", 5, True, 16)
    assert (options.checkpoint, options.set, options.seeds) == (("c",), ("rewards=1,2,3",), None)


def test_yaml_gives_what_a_subcommand_requires(yaml_file) -> None:
    config = yaml_file("paradigm: games\ncount: 3\n")
    options = get_subcommand(parse_options(AlignOptions, ["pairs", "--config", str(config), "--count", "4"], "align"))
    assert isinstance(options, PairsOptions)
    assert (options.paradigm, options.count, options.checkpoint) == ("games", 4, "tiny")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gird: smoke", "unknown key 'gird'. Did you mean 'grid'?"),
        ("dry_rum: true", "unknown key 'dry_rum'. Did you mean 'dry-run'?"),
        ("config: other.yaml", "unknown key 'config'"),
        ("rounds: 0", ": rounds: '0' is not a whole number of at least 1"),
        ("cells-at-once: many", ": cells-at-once: 'many' is not a whole number of at least 1"),
        ("checkpoint: {a: 1}", ": checkpoint: input should be a valid tuple. Given: {'a': 1}"),
        ("dry-run: perhaps", ": dry-run: input should be a valid boolean"),
        ("- smoke", "is not a list of flags and values"),
        ("grid: [", "is not valid YAML"),
    ],
)
def test_bad_yaml_is_refused_with_its_key(text, message, yaml_file) -> None:
    path = yaml_file(text)
    with pytest.raises(UsageError) as refused:
        sweep("--config", path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_a_missing_yaml_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"/nowhere\.yaml: cannot be read"):
        sweep("--config", "/nowhere.yaml")


def test_a_value_of_the_command_line_is_refused_by_its_flag_beside_yaml(yaml_file) -> None:
    with pytest.raises(UsageError, match=r"^--rounds: 'x' is not"):
        sweep("--config", yaml_file("rounds: 3"), "--rounds", "x")


def test_positional_arguments_and_subcommands() -> None:
    assert str(parse_options(ReportOptions, ["runs/a", "--format", "pdf, png"], "report").show.run) == "runs/a"
    assert parse_options(ReportOptions, ["--format", "pdf, png", "runs/a"], "report").show.formats == ["pdf", "png"]
    card = get_subcommand(parse_options(CheckpointsOptions, ["card"], "checkpoints"))
    assert card.checkpoint == "tiny"
    words = ["grpo", "--profile", "tiny-grpo", "--track", "wandb", "--track", "mlflow", "--set", "lora.rank=4"]
    training = get_subcommand(parse_options(AlignOptions, words, "align"))
    assert isinstance(training, GrpoOptions)
    assert (training.method, training.track, training.set) == ("grpo", ("wandb", "mlflow"), ("lora.rank=4",))
    exported = get_subcommand(parse_options(AlignOptions, ["export", "a", "--out", "b.json"], "align"))
    assert (str(exported.pairs), exported.format) == ("a", "llama-factory")
    assert get_subcommand(parse_options(AlignOptions, ["import", "a", "--out", "b"], "align")).file == "a"


def test_the_simulated_scenario_is_the_paper_s_first() -> None:
    options = parse_options(SimulateOptions, [], "simulate")
    assert (options.scenario, options.checkpoint, options.replies) == ("info_sharing", "tiny", 8)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_readable(command, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert f"usage: atp-ray {command}" in printed
    assert "None" not in printed
    assert "==" not in printed


@pytest.mark.slow
def test_help_imports_neither_ray_nor_torch() -> None:
    program = (
        "import sys, atp_ray.__main__ as m\n"
        "for command in sys.argv[1:]:\n"
        "    try: m.main([command, '--help'])\n"
        "    except SystemExit as end: assert end.code == 0\n"
        "    early = {'ray', 'torch', 'matplotlib'} & sys.modules.keys()\n"
        "    assert not early, f'{command} --help imports {early}'"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *COMMANDS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(f"usage: atp-ray {command}" in done.stdout for command in COMMANDS)


def test_help_may_hold_a_percent_sign(capsys) -> None:
    class Shares(CommandOptions):
        """Shares."""

        share: str = Field("50%", description="a share such as 20%; 100% is all")

    with pytest.raises(SystemExit) as ended:
        parse_options(Shares, ["--help"], "shares")
    assert ended.value.code == 0
    assert "a share such as 20%; 100% is all" in " ".join(capsys.readouterr().out.split())


def test_one_command_offers_all(capsys) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {command} " in listed for command in COMMANDS)
    assert main(["checkpoints", "list"]) == 0
    assert "policy:quantal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command given. Use one of sweep, "),
        (["swep"], "unknown command 'swep'. Did you mean 'sweep'?"),
        (["sweep", "--gird", "x"], "--gird: unknown flag. Did you mean '--grid'?"),
    ],
)
def test_one_command_refuses_what_it_does_not_know(words, message) -> None:
    with pytest.raises(UsageError) as refused:
        main(words)
    assert message in str(refused.value)


def test_a_sweep_by_yaml_is_the_sweep_by_flags(yaml_file) -> None:
    config = yaml_file("grid: smoke\nset: [seeds=2]\ndry-run: true\ncheckpoint: policy:quantal\n")
    by_yaml = run_here("sweep", "--config", config)
    by_flags = run_here("sweep", "--grid", "smoke", "--set", "seeds=2", "--dry-run", "--checkpoint", "policy:quantal")
    assert by_yaml == by_flags
    assert by_yaml.returncode == 0
    assert "Dry run" in by_yaml.stdout
