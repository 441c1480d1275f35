"""Where batches come from: files of an exported run, or a Node process that streams them."""

from __future__ import annotations

import os
import queue
import shlex
import struct
import subprocess
import threading
from typing import Iterator, Mapping, Protocol

import numpy as np

from . import safetensors

Batch = dict[str, np.ndarray]


class Batches(Protocol):
    def __iter__(self) -> Iterator[Batch]: ...

    def close(self) -> None: ...


def check(metadata: Mapping[str, str], run: str | None, step: int, source: str) -> None:
    """Refuses a batch of another run or step. Runs exported by earlier versions do not say which they are."""
    if run is None:
        return
    if metadata.get("run") != run:
        raise ValueError(f"{source} belongs to another run than run.json: export the run and its batches again.")
    if metadata.get("step") != str(step):
        raise ValueError(f"{source} is the batch of step {metadata.get('step')}, expected that of step {step}.")


class FileBatches:
    """`batches/0000000.safetensors` and on; ends where no file follows."""

    def __init__(self, folder: str, first: int, run: str | None) -> None:
        self._folder = folder
        self._next = first
        self._run = run

    def path(self, step: int) -> str:
        return os.path.join(self._folder, "batches", f"{step:07d}.safetensors")

    def __iter__(self) -> Iterator[Batch]:
        while os.path.exists(self.path(self._next)):
            batch, metadata = safetensors.read(self.path(self._next))
            check(metadata, self._run, self._next, self.path(self._next))
            self._next += 1
            yield batch

    def close(self) -> None:
        pass


class StreamedBatches:
    """`nishiki export CONFIG --stream STEP`: records of 8 bytes of length and a safetensors file, read ahead of use."""

    def __init__(self, command: str, first: int, run: str | None, ahead: int = 4) -> None:
        self._next = first
        self._run = run
        self._process = subprocess.Popen([*shlex.split(command), "--stream", str(first)], stdout=subprocess.PIPE)
        self._queue: queue.Queue[Batch | BaseException | None] = queue.Queue(ahead)
        self._closed = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _exactly(self, count: int) -> bytes | None:
        data = self._process.stdout.read(count)  # type: ignore[union-attr]
        if len(data) == 0:
            return None
        if len(data) < count:
            raise EOFError("The process that makes the batches ended in the middle of one.")
        return data

    def _read(self) -> None:
        try:
            while not self._closed.is_set():
                head = self._exactly(8)
                if head is None:
                    break
                body = self._exactly(struct.unpack("<Q", head)[0])
                if body is None:
                    raise EOFError("The process that makes the batches ended in the middle of one.")
                batch, metadata = safetensors.decode(body, "a streamed batch")
                check(metadata, self._run, self._next, "A streamed batch")
                self._next += 1
                self._put(batch)
            code = self._process.wait()
            if code and not self._closed.is_set():
                raise RuntimeError(f"The process that makes the batches ended with exit code {code}.")
            self._put(None)
        except BaseException as error:  # told to whoever waits for a batch
            self._put(error)

    def _put(self, item: Batch | BaseException | None) -> None:
        while not self._closed.is_set():
            try:
                return self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue

    def __iter__(self) -> Iterator[Batch]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Ends the process, also one that waits for its batch to be read."""
        self._closed.set()
        self._process.kill()
        self._process.wait()
