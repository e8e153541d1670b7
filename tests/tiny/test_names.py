"""The second embedded checkpoint: taught naming games only, small, and refused elsewhere with its name."""

from pathlib import Path

import numpy as np
import pytest
from support import Late

from atp_ray.checkpoint.names import resolve_checkpoint, resolve_checkpoints
from atp_ray.checkpoint.profiles import checkpoint_kind
from atp_ray.checkpoint.scope import check_scope, load_scope
from atp_ray.errors import ScopeError
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.parsing import parse_choice
from atp_ray.tiny.recipes import RECIPES
from atp_ray.tiny.scope import shipped_scope, taught

pytestmark = pytest.mark.xdist_group("torch")

torch = Late("torch")
training, sampling = Late("atp_ray.tiny.training"), Late("atp_ray.tiny.reply_sampler")
ROOM = paradigm("conventions")


@pytest.mark.parametrize("name", RECIPES)
def test_each_small_checkpoint_is_shipped_with_its_scope_and_record(name) -> None:
    profile = resolve_checkpoint(name)
    assert (profile.name, checkpoint_kind(profile)) == (name, "embedded")
    assert load_scope(Path(profile.source)) == shipped_scope(name)
    assert training.load_record(Path(profile.source)).recipe == RECIPES[name]
    assert (Path(profile.source) / "README.md").read_text().startswith(f"# {name}\n")


def test_it_is_taught_naming_games_only_and_is_below_a_megabyte() -> None:
    assert [room.name for room in taught("tiny-names")] == ["conventions"]
    assert "conventions" not in [room.name for room in taught("tiny")]
    weights = Path(resolve_checkpoint("tiny-names").source) / "model.safetensors"
    assert weights.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("grid", "checkpoint", "settings", "message"),
    [
        ("conventions", "tiny", [], "tiny: the small checkpoint was not trained on conventions. Use tiny-names, "),
        ("smoke", "tiny-names", [], "tiny-names: the small checkpoint was not trained on games. Use tiny, "),
        ("table1", "tiny-names", [], "not trained on role-play. Use tiny, "),
        ("conventions", "tiny-names", ["n_names=12"], "not trained on 12 names (at most 10). Use a real checkpoint"),
    ],
)
def test_each_refuses_what_the_other_plays_and_what_it_does_not_know(grid, checkpoint, settings, message) -> None:
    profiles = resolve_checkpoints([checkpoint], None)
    played = load_grid(grid, settings).model_copy(update={"checkpoints": (checkpoint,)})
    with pytest.raises(ScopeError) as caught:
        check_scope(expand(played, profiles), profiles.values())
    assert message in str(caught.value)


def test_a_few_steps_of_its_recipe_make_a_checkpoint_with_its_own_scope(tmp_path) -> None:
    recipe = RECIPES["tiny-names"].model_copy(update={"steps": 2, "batch": 2, "tokenizer_transcripts": 100})
    scope = shipped_scope("tiny-names")
    made = training.train_small(scope, recipe, lambda *_: None)
    training.save_checkpoint(made, recipe, tmp_path)
    assert load_scope(tmp_path) == scope
    built = resolve_checkpoint(str(tmp_path))
    assert built.embedded
    assert built.engine == resolve_checkpoint("tiny-names").engine


def test_its_weights_parse_freely_and_choose_names_as_often_as_the_teacher() -> None:
    torch.manual_seed(0)
    scope, folder = shipped_scope("tiny-names"), Path(resolve_checkpoint("tiny-names").source)
    source = ROOM.teaching.transcripts(scope, 77)
    states, repeats = [source.state() for _ in range(30)], 12
    sent = [ROOM.environment.messages(state.view) for state in states]
    replies = sampling.ReplySampler(folder).replies([messages for messages in sent for _ in range(repeats)])
    chosen = [
        parse_choice(reply, states[i // repeats].view.spec.scenario.options).choice for i, reply in enumerate(replies)
    ]
    assert sum(choice is not None for choice in chosen) >= 0.96 * len(chosen)
    shares = [
        np.mean([choice == state.view.spec.scenario.options[0] for choice in chosen[i * repeats : (i + 1) * repeats]])
        for i, state in enumerate(states)
    ]
    assert np.corrcoef(shares, [state.probability for state in states])[0, 1] > 0.93
