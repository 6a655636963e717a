"""The Hugging Face hub: which commit a repository is at, what is in it, and fetching files of it. Nothing else asks it.

A network is used only when one of these functions is called, which only `spotmill models pull` does. The token comes
from HF_TOKEN alone and goes to the hub alone; HF_ENDPOINT names a mirror. What can go wrong becomes a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.engines.diffusion.hardware import INSTALL
from generation.errors import GenerationError, NotAvailable, Transient

TOKEN = "HF_TOKEN"  # noqa: S105 - the variable's name, not a token


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository: its size, and its SHA-256 where the hub keeps one (large files)."""

    bytes: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository holds at one commit."""

    commit: str
    files: Mapping[str, HubFile]


class Hub:
    """The hub, or a mirror of it at `endpoint`."""

    def __init__(self, endpoint: str = "") -> None:
        self._endpoint = endpoint or None

    def listing(self, hub_id: str, revision: str) -> Listing:
        """The files of `hub_id` at `revision`; "" is its newest commit.

        Raises: NotAvailable (no such repository, licence not accepted), Transient (no connection).
        """
        hub = _library()
        api = hub.HfApi(endpoint=self._endpoint, token=_token())
        with _sentences(hub, hub_id):
            found = api.model_info(hub_id, revision=revision or None, files_metadata=True)
        files = {
            one.rfilename: HubFile(int(one.size or 0), str(one.lfs.sha256) if one.lfs else "") for one in found.siblings
        }
        return Listing(str(found.sha), files)

    def download(self, hub_id: str, commit: str, folder: Path, names: Sequence[str]) -> None:
        """Fetch files into `folder`; what an earlier call began goes on. Raises: NotAvailable, Transient."""
        hub = _library()
        with _sentences(hub, hub_id):
            hub.snapshot_download(
                hub_id, revision=commit, local_dir=folder, allow_patterns=list(names),
                token=_token(), endpoint=self._endpoint, max_workers=4,
            )  # fmt: skip


def _token() -> str | bool:
    # False, not None: None would have the library look for a token in files that nobody spoke of.
    return os.environ.get(TOKEN, "").strip() or False


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError as error:
        raise NotAvailable(f"fetching models needs huggingface_hub ({error}); install it: {INSTALL}") from error
    disable_progress_bars()
    return huggingface_hub


@contextmanager
def _sentences(hub: Any, hub_id: str) -> Iterator[None]:
    """The library's errors as ours. Their own texts stay out: they may carry the request with its headers."""
    errors = hub.errors
    try:
        yield
    except errors.GatedRepoError as error:
        raise NotAvailable(gated_sentence(hub_id)) from error
    except errors.RevisionNotFoundError as error:
        raise NotAvailable(f"{hub_id} has no such commit any more; correct `revision` in the preset") from error
    except errors.RepositoryNotFoundError as error:
        raise NotAvailable(
            f"the hub has no public repository {hub_id}; correct `hub_id`, or set {TOKEN} if it is private"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise NotAvailable("HF_HUB_OFFLINE is set, so nothing can be fetched; unset it") from error
    except GenerationError:
        raise
    except Exception as error:  # the library lets its HTTP client's own errors through, dozens of classes
        status = getattr(getattr(error, "response", None), "status_code", None)
        what = f"it answered {status}" if status else type(error).__name__
        raise Transient(f"{hub_id} could not be fetched ({what}); run the command again, it goes on") from error


def gated_sentence(hub_id: str) -> str:
    """What a person has to do before a gated repository can be fetched."""
    return (
        f"{hub_id} asks for its licence to be accepted: sign in at https://huggingface.co/{hub_id}, accept it, and put "
        f"a read token of that account into the environment as {TOKEN}"
    )
