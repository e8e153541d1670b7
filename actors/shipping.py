"""Local folders for nodes that do not have them: handed out piece by piece by the node that has, kept by digest there.

A folder that a node has under the same path, with the same contents, is used where it is; nothing is copied then, or on
the node that hands it out. Elsewhere it goes through Ray's object store into the node's cache, once for all who ask.
"""

from __future__ import annotations

import hashlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import ray
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.ray_errors import own_error
from actors.tokens import Tokens, driver_tokens
from atp_ray.errors import AtpError, EngineError, StorageError, UsageError
from atp_ray.storage.folder_contents import FileEntry, FolderContents, folder_contents, holds
from atp_ray.storage.kept_folders import free_bytes, kept_folder

KIND = "folders"
PIECE_BYTES = 32 * 2**20
PIECES_AT_ONCE = 4
MOST_BYTES = 20 * 2**30  # beyond it a shared folder or the hub is the better way
LOOK_TIMEOUT_S = 600.0
SOURCE_CLASS = "actors.shipping.FolderSource"


class Node(NamedTuple):
    """A node of the cluster: Ray's id of it, and how people know it."""

    node_id: str
    name: str


class Answer(Protocol):
    """What arrives later."""

    def result(self) -> bytes:
        """Wait for it."""
        ...


Ask = Callable[[str, str, int], Answer]  # folder, file in it, first byte -> at most PIECE_BYTES


@dataclass(frozen=True)
class Shipment:
    """A folder of one node that others need: its path, its contents, and the nodes that have it under that path."""

    path: str
    contents: FolderContents
    holders: frozenset[str]


class FolderSource:
    """Hands out the files of some folders, on the node that has them.

    Args:
        folders: all that is ever handed out.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = {folder: Path(folder).resolve() for folder in folders}

    def read(self, folder: str, name: str, start: int) -> bytes:
        """Return a piece of a file, from byte `start`.

        Raises:
            ValueError: the file is in none of the folders.
        """
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ValueError(f"{name} is not in {folder}")
        with (self._folders[folder] / name).open("rb") as stream:
            stream.seek(start)
            return stream.read(PIECE_BYTES)


def obtain(shipment: Shipment, node_id: str, ask: Ask, on_copy: Callable[[str], None] = lambda _: None) -> Path:
    """Return the folder on this node: where it is, or copied into the cache now or before.

    Args:
        node_id: Ray's id of this node.
        on_copy: told what is copied, where that is necessary.

    Raises:
        StorageError: there is no room for it, or it has changed where it comes from.
    """
    if node_id in shipment.holders:
        return Path(shipment.path)
    contents = shipment.contents

    def fill(folder: Path) -> None:
        on_copy(f"copying {Path(shipment.path).name} to {socket.gethostname()}, {contents.size / 2**30:.2f} GiB")
        for entry in contents.files:
            _copy(shipment.path, entry, ask, folder / entry.name)

    return kept_folder(KIND, contents.digest, contents.size, fill)


@dataclass(frozen=True)
class SentFolder:
    """A shipment, and the actor that hands it out; it lives as long as the process that sends."""

    shipment: Shipment
    source: ActorHandle[Any]

    def here(self) -> Path:
        """Return the folder on this node, as `obtain`."""
        return obtain(self.shipment, this_node(), self._ask)

    def _ask(self, folder: str, name: str, start: int) -> Future[bytes]:
        future: Future[bytes] = self.source.read.remote(folder, name, start).future()
        return future


def send_folder(folder: str, *, on_gpu: bool) -> SentFolder | None:
    """Have a folder for every node, None where it is needed on this one only.

    Raises:
        UsageError, StorageError, EngineError: as `shipments`.
    """
    sent = shipments([folder], on_gpu=on_gpu)
    if not sent:
        return None
    pinned = NodeAffinitySchedulingStrategy(this_node(), soft=False)
    return SentFolder(sent[0], ray.remote(num_cpus=0, scheduling_strategy=pinned)(FolderSource).remote([folder]))


def _copy(folder: str, entry: FileEntry, ask: Ask, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    asked: deque[Answer] = deque()
    with target.open("wb") as stream:
        for start in range(0, entry.size, PIECE_BYTES):
            asked.append(ask(folder, entry.name, start))
            if len(asked) == PIECES_AT_ONCE:
                _take(asked, stream, digest)
        while asked:
            _take(asked, stream, digest)
    if digest.hexdigest() != entry.sha256:
        hint = "Leave the folder as it is while it is used, and run the command again"
        raise StorageError("has changed while it was copied to another node", f"{folder}/{entry.name}", hint)


def _take(asked: deque[Answer], stream: Any, digest: Any) -> None:
    piece = asked.popleft().result()
    stream.write(piece)
    digest.update(piece)


def shipments(folders: Sequence[str], *, on_gpu: bool) -> tuple[Shipment, ...]:
    """Return what other nodes need to be sent, none where there is no other node that may use the folders.

    Every node that may looks whether it has each folder with the same contents, and how much room it has.

    Raises:
        UsageError: a folder that a node lacks is too large to be sent.
        StorageError: a node has no room for it, or a folder cannot be read.
        EngineError: a node does not answer.
    """
    nodes = other_nodes(on_gpu=on_gpu)
    here = this_node()
    return tuple(_shipment(folder, nodes, here) for folder in dict.fromkeys(folders)) if nodes else ()


def other_nodes(*, on_gpu: bool) -> list[Node]:
    """Return the nodes besides this one where a process with a GPU, or with CPUs only, may run."""
    here, kind = this_node(), "GPU" if on_gpu else "CPU"
    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get(kind, 0) > 0]
    return [
        Node(node["NodeID"], f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})")
        for node in alive
        if node["NodeID"] != here
    ]


def this_node() -> str:
    """Return Ray's id of this node."""
    node_id: str = ray.get_runtime_context().get_node_id()
    return node_id


def on_each(nodes: Sequence[Node], function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return what a function returns on each of the nodes.

    Raises:
        EngineError: a node does not answer.
        AtpError: what the function raises.
    """
    task, tokens = ray.remote(num_cpus=0, max_retries=0)(_with_tokens), driver_tokens()
    asked = [
        task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.node_id, soft=False)).remote(
            tokens, function, *arguments
        )
        for node in nodes
    ]
    answers = []
    for node, reference in zip(nodes, asked, strict=True):
        try:
            answers.append(ray.get(reference, timeout=LOOK_TIMEOUT_S))
        except ray.exceptions.RayError as error:
            if isinstance(own := own_error(error), AtpError):
                raise own from error
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            hint = "Check that the node is up and has the project's packages"
            raise EngineError(f"does not answer: {reason}", f"node {node.name}", hint) from error
    return answers


def _with_tokens(tokens: Tokens, function: Callable[..., Any], *arguments: Any) -> Any:
    tokens.install()
    return function(*arguments)


def _shipment(folder: str, nodes: Sequence[Node], here: str) -> Shipment:
    contents = folder_contents(Path(folder))
    seen = on_each(nodes, _look, folder, contents)
    for node, (there, free) in zip(nodes, seen, strict=True):
        if not there:
            _require_sendable(folder, contents.size, node, free)
    holders = {node.node_id for node, (there, _) in zip(nodes, seen, strict=True) if there}
    return Shipment(folder, contents, frozenset(holders | {here}))


def _look(folder: str, contents: FolderContents) -> tuple[bool, int]:
    """Return whether this node has the folder, and how much room its cache has (without end if it is there)."""
    return holds(Path(folder), contents), free_bytes(KIND, contents.digest)


def _require_sendable(folder: str, size: int, node: Node, free: int) -> None:
    gib = size / 2**30
    if size > MOST_BYTES:
        what = f"node {node.name} does not have it, and {gib:.1f} GiB are more than is sent ({MOST_BYTES / 2**30:.0f})"
        raise UsageError(what, folder, "Put it into a folder that all nodes share, or use a name of the hub")
    if size > free:
        what = f"node {node.name} does not have it, and has {free / 2**30:.1f} GiB free for {gib:.1f} GiB"
        raise StorageError(what, folder, "Free some space there, or set XDG_CACHE_HOME on that node")
