"""nishiki-xla FOLDER: trains an exported run to its end."""

from __future__ import annotations

import argparse
import signal
import sys


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nishiki-xla",
        description="Trains what `nishiki export CONFIG --output FOLDER` wrote, under XLA, on all devices that JAX sees.",
        epilog='Example: nishiki-xla exported --precision bfloat16 --batches "nishiki export config.json" --minutes 50',
    )
    parser.add_argument("folder", help="an exported run; its checkpoint is replaced as training goes on")
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="of the operands of matrix products; sums and weights are float32 (default: float32)",
    )
    parser.add_argument("--steps", type=int, help="stop at this step of the run (default: its schedule's end)")
    parser.add_argument("--minutes", type=float, help="stop after the step in which this time is over")
    parser.add_argument(
        "--batches",
        metavar="COMMAND",
        help="streams batches: a nishiki command without --stream (default: the files in the folder)",
    )
    parser.add_argument("--check", type=int, metavar="STEPS", help="compute a few steps, save nothing, report rates, and end")
    parser.add_argument("--log-every", type=int, default=10, help="steps between lines of progress (default: 10)")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="many hosts: the address of the first one")
    parser.add_argument("--hosts", type=int, help="many hosts: how many (default: as the cluster says)")
    parser.add_argument("--host", type=int, help="many hosts: which one this is, from 0 (default: as the cluster says)")
    parser.add_argument("--distributed", action="store_true", help="many hosts of a cluster that JAX knows by itself")
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
