"""A training run under XLA: state replicated over a mesh of devices, batches dealt out along their first axis."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any, Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from . import safetensors
from .batches import Batch, Batches, FileBatches, StreamedBatches
from .program import Program


@dataclass(frozen=True)
class RunOptions:
    folder: str
    precision: str = "float32"
    steps: int | None = None
    """All steps of the run, where fewer than the schedule's are wanted."""
    minutes: float | None = None
    """Ends after the step in which this time is over."""
    batches: str | None = None
    """The command that streams batches, without `--stream`; files of the folder where it is not given."""
    log_every: int = 10


class Run:
    """An exported run, opened on the devices that JAX sees."""

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        with open(os.path.join(options.folder, "run.json"), encoding="utf8") as file:
            self.description: dict[str, Any] = json.load(file)
        if self.description.get("format") != 1:
            raise ValueError(f"{options.folder}/run.json is of another version; export the run with a fitting nishiki.")
        files = self.description["files"]
        self.program = Program(os.path.join(options.folder, files["program"]), options.precision)
        self.schedule, _ = safetensors.read(os.path.join(options.folder, files["schedule"]))
        state, self.metadata = safetensors.read(self.checkpoint_path)
        self._check_state(state)
        self.step = int(self.metadata["step"])
        self.steps = min(options.steps or self.description["steps"], self.description["steps"])
        self.mesh = Mesh(np.asarray(jax.devices()), ("data",))
        size = self.description["batchSize"]
        if size % self.mesh.size:
            raise ValueError(f"The batch of {size} cannot be dealt out to {self.mesh.size} devices.")
        self._whole = NamedSharding(self.mesh, PartitionSpec())
        self._dealt = NamedSharding(self.mesh, PartitionSpec("data"))
        self.state = {name: self._replicate(value) for name, value in state.items()}
        self._compiled = self._compile()

    @property
    def checkpoint_path(self) -> str:
        return os.path.join(self.options.folder, "checkpoint.safetensors")

    def _check_state(self, state: dict[str, np.ndarray]) -> None:
        expected = self.metadata.get("crc32")
        if expected is not None and expected != safetensors.checksum(state):
            raise ValueError(f"The checkpoint is damaged: {self.checkpoint_path} has wrong bytes.")
        for entry in self.description["state"]:
            found = state.get(entry["name"])
            if found is None or list(found.shape) != entry["shape"]:
                there = "missing" if found is None else f"{list(found.shape)}"
                raise ValueError(f'"{entry["name"]}" is {there} in the checkpoint and {entry["shape"]} in the program.')

    def _replicate(self, value: np.ndarray) -> jax.Array:
        return jax.make_array_from_callback(value.shape, self._whole, lambda index: value[index])

    def _deal(self, value: np.ndarray) -> jax.Array:
        # Every host makes the whole batch, which is the same everywhere, and takes the rows of its own devices.
        return jax.make_array_from_callback(value.shape, self._dealt, lambda index: value[index])

    def _compile(self) -> Callable[..., Any]:
        nexts = {entry["name"]: entry["next"] for entry in self.description["state"]}
        metrics = self.description["metrics"]

        def step(state: dict[str, Any], batch: dict[str, Any], scalars: dict[str, Any]) -> Any:
            outputs = self.program({**state, **batch, **scalars}, [*nexts.values(), *metrics])
            after = {name: outputs[next_name] for name, next_name in nexts.items()}
            return after, {name: outputs[name] for name in metrics}

        return jax.jit(step, donate_argnums=0, out_shardings=(self._whole, self._whole))

    def scalars(self, step: int) -> dict[str, jax.Array]:
        return {name: jnp.float32(self.schedule[name][step]) for name in self.description["scalars"]}

    def compute(self, batch: Batch) -> dict[str, jax.Array]:
        """One step; what it returns is not waited for."""
        wanted = {entry["name"] for entry in self.description["inputs"]}
        if wanted - batch.keys():
            raise ValueError(f"The batch lacks {', '.join(sorted(wanted - batch.keys()))}.")
        dealt = {name: self._deal(batch[name]) for name in wanted}
        self.state, metrics = self._compiled(self.state, dealt, self.scalars(self.step))
        self.step += 1
        return metrics

    def save(self) -> None:
        """The checkpoint, in the form that `nishiki train --resume` reads. Only the first host writes."""
        state = {name: np.asarray(jax.device_get(value), np.float32) for name, value in self.state.items()}
        if jax.process_index() != 0:
            return
        broken = next((name for name, value in state.items() if not np.isfinite(value).all()), None)
        if broken is not None:
            raise FloatingPointError(f'Step {self.step} left numbers in "{broken}" that are not finite; nothing was saved.')
        metadata = {
            **self.metadata,
            "step": str(self.step),
            "crc32": safetensors.checksum(state),
            "computedIn": f"XLA on {self.mesh.size} {jax.devices()[0].platform} devices, {self.options.precision}",
        }
        safetensors.write(self.checkpoint_path, state, metadata)

    def open_batches(self) -> Batches:
        if self.options.batches is None:
            return FileBatches(self.options.folder, self.step, self.description.get("run"))
        return StreamedBatches(self.options.batches, self.step, self.description.get("run"))

    def count_flop(self, batch: Batch) -> float:
        """Of one step's matrix products, as the program has them: recomputation by the compiler is not counted."""
        arrays: dict[str, Any] = {**self.state, **batch, **self.scalars(self.step)}
        return self.program.count_products(
            {name: value.shape for name, value in arrays.items()},
            {name: value.dtype for name, value in arrays.items()},
        )

    def train(self, tell: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Steps to the end, the time's end, or until stopped; keeps checkpoints and a log in the folder."""
        batches = self.open_batches()
        begun = time.monotonic()
        size = self.description["batchSize"]
        every = self.description["checkpointEvery"]
        pending: list[tuple[int, dict[str, jax.Array]]] = []
        since, first_step, flop = begun, self.step, 0.0
        try:
            for batch in batches:
                if self.step >= self.steps or stopped() or self._is_late(begun):
                    break
                if self.step == first_step:
                    flop = self.count_flop(batch)
                pending.append((self.step, self.compute(batch)))
                if self.step == first_step + 1:
                    jax.block_until_ready(pending[-1][1])
                    tell(f"Compiled and computed the first step in {time.monotonic() - begun:.1f} s.")
                    since = time.monotonic()
                if len(pending) >= self.options.log_every or self.step >= self.steps:
                    losses = self._log(pending, since)
                    seconds = (time.monotonic() - since) / max(1, len(pending) - (self.step - len(pending) == first_step))
                    rate = f"{size / seconds:.1f} pictures/s, {flop / seconds / 1e9:.0f} GFLOP/s"
                    tell(f"Step {self.step} of {self.steps}: loss {losses[-1]:.4g}, {rate}")
                    pending, since = [], time.monotonic()
                if self.step % every == 0 and self.step < self.steps:
                    self.save()
            if pending:
                self._log(pending, since)
        finally:
            batches.close()
            if self.step > first_step:
                self.save()

    def _is_late(self, begun: float) -> bool:
        minutes = self.options.minutes
        return minutes is not None and time.monotonic() - begun > 60 * minutes

    def _log(self, pending: list[tuple[int, dict[str, jax.Array]]], since: float) -> list[float]:
        lines, losses = [], []
        values = [(step, {name: float(value) for name, value in metrics.items()}) for step, metrics in pending]
        seconds = (time.monotonic() - since) / len(pending)
        for step, metrics in values:
            rate = float(self.schedule["learningRate"][step])
            lines.append(json.dumps({"step": step + 1, **metrics, "learningRate": rate, "seconds": seconds}))
            losses.append(metrics["loss"])
        if jax.process_index() == 0:
            with open(os.path.join(self.options.folder, "metrics.jsonl"), "a", encoding="utf8") as file:
                file.write("".join(f"{line}\n" for line in lines))
        bad = next((step for step, metrics in values if not np.isfinite(metrics["loss"])), None)
        if bad is not None:
            self.step = bad
            raise FloatingPointError(f"Step {bad + 1} gave a loss that is not finite. Lower the learning rate and export anew.")
        return losses


def measure_products(precision: str, size: int = 4096, seconds: float = 2.0) -> float:
    """GFLOP/s of a square matrix product on one device: what a step's rate can be compared with."""
    on_cpu = jax.default_backend() == "cpu"
    dtype = jnp.bfloat16 if precision == "bfloat16" and not on_cpu else jnp.float32
    size = 1024 if on_cpu else size
    a = jnp.ones((size, size), dtype)
    product = jax.jit(lambda x: jnp.matmul(x, a, preferred_element_type=jnp.float32).astype(dtype))
    b = product(a).block_until_ready()
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        for _ in range(8):
            b = product(a)
        b.block_until_ready()
        count += 8
    return 2.0 * size**3 * count / (time.monotonic() - begun) / 1e9
