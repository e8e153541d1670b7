"""Whether a checkpoint on the Hugging Face hub can be had, found out before anything is started."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from atp_ray.checkpoint_profiles import ModelProfile, Profile
from atp_ray.errors import UsageError

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
        if isinstance(profile, ModelProfile) and not Path(profile.source).is_dir():
            _require_model(profile, elsewhere)


def _require_model(profile: ModelProfile, elsewhere: bool) -> None:
    # Imported here: only a model on the hub pays for it.
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    source, revision = profile.source, profile.hub_revision or None
    hub = HfApi()
    try:
        if hub.model_info(source, revision=revision, timeout=PATIENCE_S).gated:
            hub.auth_check(source)
    except GatedRepoError as error:
        hint = "Accept its terms on its page and set HF_TOKEN"
        raise UsageError("is gated: the hub asks for a token that may read it", source, hint) from error
    except RepositoryNotFoundError as error:
        hint = "Check the spelling; if it is private, set HF_TOKEN. A local folder needs config.json"
        raise UsageError("is not on the hub", source, hint) from error
    except RevisionNotFoundError as error:
        raise UsageError(f"has no revision '{revision}' on the hub", source, "Check hub_revision") from error
    except HFValidationError as error:
        raise UsageError(
            "is neither a folder nor the name of a model on the hub", source, "Example: org/name"
        ) from error
    except (HTTPError, OSError) as error:  # no connection, offline mode, or the hub is unwell
        if not elsewhere and not isinstance(try_to_load_from_cache(source, "config.json", revision=revision), str):
            hint = "Check the connection (HF_ENDPOINT, HF_HUB_OFFLINE), or give a folder that holds the model"
            raise UsageError(
                "cannot be fetched: the hub does not answer, and it is not cached", source, hint
            ) from error
