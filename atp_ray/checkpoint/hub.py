"""Whether a checkpoint on the Hugging Face hub can be had, found out before anything is started."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from atp_ray.checkpoint.model_config import ModelConfig, read_config
from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.errors import UsageError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PATIENCE_S = 5.0


def require_available(profiles: Iterable[Profile], *, elsewhere: bool = False) -> None:
    """Check that every model on the hub can be fetched, or was fetched before.

    Args:
        elsewhere: other machines load the models, so that no connection from this one says nothing.

    Raises:
        UsageError: there is no such model or revision, it needs a token, or the hub does not answer and nothing is
            cached.
    """
    for profile in profiles:
        if not isinstance(profile, ModelProfile) or Path(profile.source).is_dir():
            continue
        if not (elsewhere and Path(profile.source).is_absolute()):
            _require_model(profile, elsewhere)


def model_config(profile: ModelProfile) -> ModelConfig | None:
    """Return how large a model is, from its folder, what was fetched before, or the hub.

    None where its `config.json` is not to be had here within seconds, or is of a kind that is not known here.
    """
    folder = Path(profile.source)
    if folder.is_absolute() or folder.is_dir():
        path = folder / "config.json"
        return read_config(path.read_text(encoding="utf-8")) if path.is_file() else None
    # Imported here: only a model on the hub pays for it.
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, HTTPError
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    revision = profile.hub_revision or None
    try:
        cached = try_to_load_from_cache(profile.source, "config.json", revision=revision)
        if isinstance(cached, str):
            return read_config(Path(cached).read_text(encoding="utf-8"))
        # `hf_hub_download` would try for minutes.
        address = f"{HfApi().endpoint}/{profile.source}/resolve/{quote(revision or 'main', safe='')}/config.json"
        answer = get_session().get(address, headers=build_hf_headers(), timeout=PATIENCE_S, follow_redirects=True)
        hf_raise_for_status(answer)
    except (HFValidationError, HTTPError, OSError):
        return None  # whether the model can be had at all is not asked here: `require_available`
    return read_config(answer.text)


def _require_model(profile: ModelProfile, elsewhere: bool) -> None:
    # Imported here: only a model on the hub pays for it.
    from huggingface_hub import HfApi, get_token, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, HTTPError

    source, revision = profile.source, profile.hub_revision or None
    hub = HfApi()
    try:
        if hub.model_info(source, revision=revision, timeout=PATIENCE_S).gated:
            _require_permission(hub, source)
    except HFValidationError as error:
        hint = "Example: org/name"
        raise UsageError("is neither a folder nor the name of a model on the hub", source, hint) from error
    except (HTTPError, OSError) as error:
        if isinstance(try_to_load_from_cache(source, "config.json", revision=revision), str):
            return
        # Other machines may be connected, and hold a token that this one lacks.
        if elsewhere and (get_token() is None or _status(error) is None):
            return
        raise UsageError(*_refusal(error, source, revision)) from error


def _require_permission(hub: HfApi, source: str) -> None:
    # `HfApi.auth_check` does the same and may wait for ever.
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    address = f"{hub.endpoint}/api/models/{source}/auth-check"
    hf_raise_for_status(get_session().get(address, headers=build_hf_headers(), timeout=PATIENCE_S))


def _refusal(error: Exception, source: str, revision: str | None) -> tuple[str, str, str]:
    """Return what is wrong, with what, and what to do."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return "is gated: the hub asks for a token that may read it", source, "Accept its terms and set HF_TOKEN"
    if isinstance(error, RepositoryNotFoundError):
        return "is not on the hub", source, "Check the spelling; if it is private, set HF_TOKEN"
    if isinstance(error, RevisionNotFoundError):
        return f"has no revision '{revision}' on the hub", source, "Check hub_revision"
    if (status := _status(error)) is not None:
        hint = "Check HF_TOKEN" if status in (401, 403) else "Try again later, or give a folder that holds the model"
        return f"cannot be fetched: the hub answers {status}", source, hint
    hint = "Check the connection (HF_ENDPOINT, HF_HUB_OFFLINE), or give a folder that holds the model"
    return "cannot be fetched: the hub does not answer, and it is not cached", source, hint


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)
