"""nishiki-xla FOLDER: trains an exported run to its end."""

from __future__ import annotations

import argparse
import signal
import sys


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nishiki-xla",
        description="Train a run written by `nishiki export CONFIG --output FOLDER` with XLA, on all devices that JAX sees.",
        epilog='Example: nishiki-xla exported --precision bfloat16 --batches "nishiki export config.json" --minutes 50',
    )
    parser.add_argument("folder", help="folder of an exported run; training replaces its checkpoint")
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="precision of the operands of matrix products; sums and weights are float32 (default: float32)",
    )
    parser.add_argument("--steps", type=int, help="last step of the run (default: the end of its schedule)")
    parser.add_argument("--minutes", type=float, help="time limit; training stops after the step that exceeds it")
    parser.add_argument(
        "--batches",
        metavar="COMMAND",
        help="command that streams batches: nishiki export without --stream (default: the folder's files)",
    )
    parser.add_argument("--check", type=int, metavar="STEPS", help="number of steps to compute as a check; saves nothing and reports rates")
    parser.add_argument("--log-every", type=int, default=10, help="steps between progress lines (default: 10)")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="several hosts: address of the first one")
    parser.add_argument("--hosts", type=int, help="several hosts: their number (default: from the cluster)")
    parser.add_argument("--host", type=int, help="several hosts: index of this one, from 0 (default: from the cluster)")
    parser.add_argument("--distributed", action="store_true", help="use all hosts of a cluster that JAX recognises")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    import jax

    if options.distributed or options.coordinator:
        jax.distributed.initialize(options.coordinator, options.hosts, options.host)
    from .run import Run, RunOptions, measure_products

    tell = (lambda text: print(text, file=sys.stderr, flush=True)) if jax.process_index() == 0 else (lambda _: None)
    devices = jax.devices()
    tell(f"{len(devices)} {devices[0].platform} devices ({devices[0].device_kind}), {jax.process_count()} hosts")
    stop = {"asked": False}

    def ask(*_: object) -> None:
        if stop["asked"]:
            sys.exit(130)
        stop["asked"] = True
        tell("Stopping after this step …")

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    try:
        run = Run(
            RunOptions(
                folder=options.folder,
                precision=options.precision,
                steps=options.steps,
                minutes=options.minutes,
                batches=options.batches,
                log_every=options.log_every,
            )
        )
        tell(f"From step {run.step} of {run.steps}, {run.description['batchSize']} pictures a step")
        if options.check:
            check(run, options.check, measure_products(options.precision), tell)
            return 0
        run.train(tell, lambda: stop["asked"])
    except (ValueError, OSError, FloatingPointError, RuntimeError, EOFError) as error:
        print(f"nishiki-xla: {error}", file=sys.stderr)
        return 1
    done = run.step >= run.steps
    tell(f"Step {run.step} of {run.steps} is kept in {run.checkpoint_path}.")
    return 0 if done or options.minutes is not None else (130 if stop["asked"] else 1)


def check(run, steps: int, matrix_rate: float, tell) -> None:  # type: ignore[no-untyped-def]
    """Whether this machine computes the run: a few steps, their losses and their speed."""
    import time

    import jax

    batches = run.open_batches()
    try:
        begun, flop, seconds = time.monotonic(), 0.0, []
        for batch in batches:
            flop = flop or run.count_flop(batch)
            metrics = jax.block_until_ready(run.compute(batch))
            now = time.monotonic()
            seconds.append(now - begun)
            tell(f"Step {run.step}: loss {float(metrics['loss']):.7f}, {now - begun:.3f} s")
            begun = now
            if len(seconds) >= steps:
                break
    finally:
        batches.close()
    later = sorted(seconds[1:]) or seconds
    median = later[len(later) // 2]
    rate, most = flop / median / 1e9, matrix_rate * run.mesh.size
    size = run.description["batchSize"]
    tell(
        f"{size / median:.1f} pictures/s; {rate:.0f} GFLOP/s of matrix products, "
        f"{100 * rate / most:.0f}% of the {most:.0f} that products alone reach here. Nothing was saved."
    )


if __name__ == "__main__":
    sys.exit(main())
