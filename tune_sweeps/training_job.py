"""What one alignment run is: a profile, a base checkpoint, data, and where its files go."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.shipping import SentFolder
from atp_ray.alignment.pairs import PreferencePair
from atp_ray.alignment.profiles import TrainingProfile
from atp_ray.alignment.training_runs import RESULT_FOLDER
from atp_ray.paradigms.teaching import TrainingPrompt

STATE_FILE = "trainer_state.json"  # the log of Hugging Face's trainer, in every checkpoint
RAY_TRAIN_FOLDER = "ray_train"
Data = Sequence[PreferencePair] | Sequence[TrainingPrompt]


@dataclass(frozen=True)
class TrainingJob:
    """What a run is.

    Args:
        source: the base checkpoint's folder or hub id.
        revision: which weights these are; changes when they do.
        hub_revision: branch, tag or commit on the hub; None for a folder or the default.
        folder: the run's folder, absolute, on the driver's node.
        storage: where Ray Train keeps its checkpoints: a folder all nodes see, or an address that pyarrow's filesystems
            know (`s3://`, `gs://`). None is the run's folder.
        trackers: where metrics go besides the run's own files: `wandb`, `mlflow`.
        sent: the base's folder for nodes that do not have it.
    """

    profile: TrainingProfile
    source: str
    revision: str
    hub_revision: str | None
    data: Data
    folder: Path
    storage: str | None = None
    trackers: tuple[str, ...] = ()
    sent: SentFolder | None = None

    @property
    def paradigm(self) -> str:
        """What the data is about: a paradigm, or `imported`."""
        return self.data[0].paradigm

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that change with anything that changes the result."""
        digest = hashlib.sha256(f"{self.profile.model_dump_json()}{self.source}{self.revision}".encode())
        for entry in self.data:
            digest.update(repr(entry).encode())
        return digest.hexdigest()[:16]

    @property
    def local_source(self) -> str:
        """The base on the node that asks: its folder there, copied if it must be, or its hub id."""
        return self.source if self.sent is None else str(self.sent.here())

    @property
    def storage_path(self) -> str:
        """Where Ray Train keeps its checkpoints."""
        return self.storage or str(self.folder / RAY_TRAIN_FOLDER)

    @property
    def name(self) -> str:
        """The run's name in the storage; the same job resumes under the same name."""
        return f"{self.folder.name}-{self.digest}"

    @property
    def worker_resources(self) -> dict[str, float]:
        """What Ray reserves for each worker."""
        return {"GPU" if self.profile.accelerator == "gpu" else "CPU": 1}

    @property
    def scratch(self) -> Path:
        """A folder of each node's own disk; in it, one folder a node for what is on its way to the storage."""
        where = hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]
        return Path(tempfile.gettempdir()) / f"atp_ray-train-{where}-{self.name}"

    @property
    def tensorboard(self) -> Path:
        """Where TensorBoard finds the metrics."""
        return self.folder / "tensorboard"

    @property
    def result(self) -> Path:
        """Where the trained checkpoint ends up, in Hugging Face format."""
        return self.folder / RESULT_FOLDER
