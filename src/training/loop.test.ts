// What the loop promises besides its numbers: the same run twice, stopping, going on, and refusing.
import { spawnSync } from "node:child_process";
import { open, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { regressionTask, runOptions, withFolder } from "../../tests/training/regression.js";
import { writeSafetensors } from "../checkpoint/node.js";
import type { Engine, Session } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { add, mean, square } from "../graph/index.js";
import { checkpointPath, tensorsOf } from "./checkpoint.js";
import { writeFingerprint } from "./fingerprint.js";
import { type RunOptions, runTraining, type TrainingTask } from "./loop.js";
import { readMetrics } from "./metrics.js";
import { readStart } from "./start-from.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const same = "the same";
const bytesOf = (folder: string) => readFile(checkpointPath(folder));

/** A whole run in a folder of its own: its losses and its checkpoint's bytes. */
function wholeRun(steps: number, given: Partial<RunOptions> = {}, task: TrainingTask = regressionTask()) {
  return withFolder(async (folder) => {
    await runTraining(engine, task, runOptions(folder, steps, given), same);
    const metrics = await readMetrics(folder);
    return {
      losses: metrics.map(({ loss }) => loss),
      norms: metrics.map(({ gradientNorm }) => gradientNorm),
      bytes: await bytesOf(folder),
    };
  });
}

async function failure(promise: Promise<unknown>): Promise<NishikiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

describe("a run", () => {
  it("gives the same losses and bytes for the same seed, and others for another", async () => {
    const [first, second, other] = [await wholeRun(8), await wholeRun(8), await wholeRun(8, { seed: 1 })];
    expect(second.losses).toEqual(first.losses);
    expect(second.bytes.equals(first.bytes)).toBe(true);
    expect(other.losses).not.toEqual(first.losses);
    expect(new Set(first.losses).size).toBe(8);
  });

  it("stops after the step when asked to, and goes on bit for bit", async () => {
    const straight = await wholeRun(9);
    await withFolder(async (folder) => {
      const stop = new AbortController();
      const onStep: RunOptions["onStep"] = ({ step }) => step === 4 && stop.abort();
      const first = await runTraining(
        engine,
        regressionTask(),
        runOptions(folder, 9, { signal: stop.signal, onStep }),
        same,
      );
      expect(first).toMatchObject({ step: 4, finished: false });
      const rest = await runTraining(engine, regressionTask(), runOptions(folder, 9, { resume: true }), same);
      expect(rest).toMatchObject({ step: 9, finished: true });
      expect((await bytesOf(folder)).equals(straight.bytes)).toBe(true);
      expect((await readMetrics(folder)).map(({ loss }) => loss)).toEqual(straight.losses);
    });
  });

  it("can be prolonged", async () => {
    const long = await wholeRun(7);
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(folder, 3), same);
      await runTraining(engine, regressionTask(), runOptions(folder, 7, { resume: true }), same);
      expect((await bytesOf(folder)).equals(long.bytes)).toBe(true);
    });
  });

  it("asks for batches in order and once, one ahead", async () => {
    const asked: number[] = [];
    const task = regressionTask();
    const batch = (step: number) => {
      asked.push(step);
      return task.batch(step);
    };
    await wholeRun(4, {}, { ...task, batch });
    expect(asked).toEqual([0, 1, 2, 3]);
  });

  it("samples the moving averages, and records what was measured", async () => {
    await withFolder(async (folder) => {
      const sampled: string[] = [];
      const sample: TrainingTask["sample"] = async (averages, step) => {
        sampled.push(`${step}: ${Object.keys(averages).join()}`);
        return { height: (averages.bias!.data as Float32Array).length };
      };
      const reported: number[] = [];
      await runTraining(
        engine,
        { ...regressionTask(), sample },
        runOptions(folder, 5, { sampleInterval: 2, onSample: (step) => void reported.push(step) }),
        same,
      );
      expect(sampled).toEqual(["2: weight,bias", "4: weight,bias", "5: weight,bias"]);
      expect(reported).toEqual([2, 4, 5]);
      expect((await readMetrics(folder)).filter(({ height }) => height === 3)).toHaveLength(3);
    });
  });
});

describe("a run that fails", () => {
  it("says what NaN means and leaves the last checkpoint that did not lead there", async () => {
    const straight = await wholeRun(8);
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(folder, 3), same);
      const wild = {
        schedule: { steps: 8, learningRate: 1e30, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
      };
      const options = runOptions(folder, 8, { ...wild, resume: true, checkpointInterval: 1 });
      const error = await failure(runTraining(engine, regressionTask(), options, same));
      expect(error.code).toBe("training");
      expect(error.message).toMatch(
        /^Step 5 gave a loss of (Infinity|NaN) .*Lower the learning rate .*The checkpoint of step 3 in .* is good/,
      );
      await runTraining(engine, regressionTask(), runOptions(folder, 8, { resume: true }), same);
      expect((await bytesOf(folder)).equals(straight.bytes)).toBe(true);
    });
  });

  it("does not keep a last step that went wrong", async () => {
    await withFolder(async (folder) => {
      const wild = {
        schedule: { steps: 1, learningRate: 1e38, warmupSteps: 0, decaySteps: 0, emaDecay: 0.9 },
      };
      const optimizer = { ...runOptions("", 1).optimizer, weightDecay: 1e3 };
      const run = runTraining(engine, regressionTask(5), runOptions(folder, 1, { ...wild, optimizer }), same);
      const error = await failure(run);
      expect(error.message).toMatch(
        /^Step 1 left numbers that are not finite in "\S+".* No checkpoint exists/,
      );
    });
  });

  it("ends only when the batch that is being made is finished, so that its task can be closed", async () => {
    await withFolder(async (folder) => {
      const task = regressionTask();
      let making = 0;
      const batch = async (step: number) => {
        making++;
        try {
          if (step > 0) await new Promise((resolve) => setTimeout(resolve, 300));
          return await task.batch(step);
        } finally {
          making--;
        }
      };
      const wild = { schedule: { ...runOptions("", 9).schedule, learningRate: 1e38, warmupSteps: 0 } };
      const run = runTraining(engine, { ...task, batch }, runOptions(folder, 9, wild), same);
      expect((await failure(run)).code).toBe("training");
      expect(making).toBe(0);
    });
  });

  it("keeps what it reached when a batch cannot be made", async () => {
    const straight = await wholeRun(6);
    await withFolder(async (folder) => {
      const task = regressionTask();
      const batch = async (step: number) => {
        if (step === 4) throw new NishikiError("data", '"a.png" can no longer be read.');
        return task.batch(step);
      };
      const error = await failure(runTraining(engine, { ...task, batch }, runOptions(folder, 6), same));
      expect(error.code).toBe("data");
      expect(error.message).toMatch(/^"a\.png" can no longer be read\. The checkpoint of step 4 in/);
      await runTraining(engine, task, runOptions(folder, 6, { resume: true }), same);
      expect((await bytesOf(folder)).equals(straight.bytes)).toBe(true);
    });
  });
});

describe("frozen networks", () => {
  const settings = (autoencoder: string) => writeFingerprint({ seed: 1, frozen: { autoencoder } });

  it("must be the same when a run goes on; a checkpoint that does not name them goes on with a notice", async () => {
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(folder, 2), writeFingerprint({ seed: 1 }));
      const notices: string[] = [];
      const goOn = (steps: number, fingerprint: string) =>
        runTraining(
          engine,
          regressionTask(),
          runOptions(folder, steps, { resume: true, onNotice: (text) => notices.push(text) }),
          fingerprint,
        );
      await goOn(3, settings("a"));
      expect(notices).toEqual([expect.stringContaining("did not record a run's frozen networks")]);
      await goOn(4, settings("a"));
      expect(notices).toHaveLength(1);
      const error = await failure(goOn(5, settings("b")));
      expect(error.message).toContain('frozen.autoencoder is "a" there and "b" here');
    });
  });
});

describe("a folder that holds a run", () => {
  const begun = (folder: string, fingerprint: string) =>
    runTraining(engine, regressionTask(), runOptions(folder, 2), fingerprint);
  const goOn = (folder: string, fingerprint: string, task = regressionTask()) =>
    failure(runTraining(engine, task, runOptions(folder, 4, { resume: true }), fingerprint));

  it("is not begun anew", async () => {
    await withFolder(async (folder) => {
      await begun(folder, same);
      const error = await failure(begun(folder, same));
      expect(error.message).toMatch(/already holds a run at step 2\. Add --resume/);
    });
  });

  it("is refused by another config, which says what differs", async () => {
    await withFolder(async (folder) => {
      const settings = { seed: 1, optimizer: { kind: "adamw", gradientClipping: 1 } };
      await begun(folder, writeFingerprint(settings));
      const other = writeFingerprint({
        ...settings,
        seed: 2,
        optimizer: { kind: "adamw", gradientClipping: 3 },
      });
      const error = await goOn(folder, other);
      expect(error.code).toBe("training");
      expect(error.message).toMatch(
        /belongs to another run: optimizer\.gradientClipping is 1 there and 3 here; seed is 1 there and 2 here\. Use the config/,
      );
      const shapes = await goOn(folder, writeFingerprint(settings), regressionTask(9, 2));
      expect(shapes.message).toMatch(/"weight" is \[3, 4\] there and \[2, 9\] here; .*and 4 more/);
    });
  });

  it("is refused where its checkpoint is damaged", async () => {
    await withFolder(async (folder) => {
      await begun(folder, same);
      const file = await open(checkpointPath(folder), "r+");
      const { size } = await file.stat();
      await file.write(new Uint8Array([77]), 0, 1, size - 7);
      await file.close();
      const flipped = await goOn(folder, same);
      expect(flipped.code).toBe("checkpoint");
      expect(flipped.message).toMatch(
        /The checkpoint is damaged: the checksum of .* is wrong\. Restore a copy/,
      );
      await truncate(checkpointPath(folder), size - 5);
      const truncated = await goOn(folder, same);
      expect(truncated.message).toMatch(
        /The checkpoint is damaged: .*checkpoint\.safetensors.*Restore a copy/,
      );
      await truncate(checkpointPath(folder), 0);
      expect((await goOn(folder, same)).message).toMatch(/The checkpoint is damaged/);
    });
  });
});

describe("a run that begins with weights of another", () => {
  it("begins with the moving averages of a run, or with a file's tensors", async () => {
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(join(folder, "first"), 5), same);
      const averages = await readStart(join(folder, "first"));
      expect(Object.keys(averages).sort()).toEqual(["bias", "weight"]);
      const path = join(folder, "weights.safetensors");
      await writeSafetensors(path, tensorsOf(averages));
      const still = { steps: 1, learningRate: 1e-30, warmupSteps: 0, decaySteps: 0, emaDecay: 0.5 };
      for (const [name, initFrom] of [
        ["run", join(folder, "first")],
        ["file", path],
      ] as const) {
        const options = runOptions(join(folder, name), 1, { initFrom, schedule: still });
        const { state } = await runTraining(engine, regressionTask(), options, same);
        expect(state.weight!.data).toEqual(averages.weight!.data);
      }
    });
  });

  it("begins what the file has not as the network says, and tells which", async () => {
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(join(folder, "first"), 2), same);
      const task = regressionTask();
      const grown: TrainingTask = {
        ...task,
        objective: (batch) => (tracer) => {
          const inner = task.objective(batch)(tracer);
          const more = tracer.scope("grown").parameter("weight", [2], { kind: "ones" });
          return { ...inner, loss: add(inner.loss, mean(square(more))) };
        },
      };
      const notices: string[] = [];
      const still = { steps: 1, learningRate: 1e-30, warmupSteps: 0, decaySteps: 0, emaDecay: 0.5 };
      const options = runOptions(join(folder, "second"), 1, {
        initFrom: join(folder, "first"),
        schedule: still,
        onNotice: (message) => notices.push(message),
      });
      const { state } = await runTraining(engine, grown, options, same);
      expect([...(state["grown.weight"]!.data as Float32Array)]).toEqual([1, 1]);
      const averages = await readStart(join(folder, "first"));
      expect(state.weight!.data).toEqual(averages.weight!.data);
      expect(notices).toEqual([
        expect.stringMatching(/lacks 1 tensor of the network, initialised at random: grown\.weight/),
      ]);
    });
  });

  it("is refused where the weights do not fit", async () => {
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(join(folder, "first"), 2), same);
      const options = runOptions(join(folder, "second"), 2, { initFrom: join(folder, "first") });
      const error = await failure(runTraining(engine, regressionTask(9, 3), options, same));
      expect(error.code).toBe("usage");
      expect(error.message).toMatch(/initFrom: .* do not fit .*"weight" is \[3, 4\] there and \[3, 9\] here/);
      const gone = runOptions(join(folder, "third"), 2, { initFrom: join(folder, "nowhere.safetensors") });
      expect((await failure(runTraining(engine, regressionTask(), gone, same))).code).toBe("file");
    });
  });
});

describe("a folder that another process trains in", () => {
  it("is refused while that process lives, and taken over after it", async () => {
    await withFolder(async (folder) => {
      await writeFile(join(folder, "running.pid"), `${process.ppid}\n`);
      const error = await failure(runTraining(engine, regressionTask(), runOptions(folder, 2), same));
      expect(error.message).toMatch(new RegExp(`^Process ${process.ppid} is training in`));
      const dead = spawnSync(process.execPath, ["-e", ""]).pid;
      await writeFile(join(folder, "running.pid"), `${dead}\n`);
      await runTraining(engine, regressionTask(), runOptions(folder, 2), same);
      expect(await readdir(folder)).not.toContain("running.pid");
    });
  });
});

describe("a run that goes on with another number of threads", () => {
  it("says that it will not be bit for bit", async () => {
    await withFolder(async (folder) => {
      const two = makeEngine({ threads: 2 });
      try {
        await runTraining(two, regressionTask(), runOptions(folder, 2), same);
      } finally {
        await two.close();
      }
      const notices: string[] = [];
      const options = { resume: true, onNotice: (message: string) => notices.push(message) };
      await runTraining(engine, regressionTask(), runOptions(folder, 3, options), same);
      expect(notices).toEqual([
        "The checkpoint was computed with 1 worker of 2 threads, this run uses 1 worker of 1 thread. The run continues, but not bit for bit.",
      ]);
      await runTraining(engine, regressionTask(), runOptions(folder, 4, options), same);
      expect(notices).toHaveLength(1);
    });
  });
});

describe("a run in workers", () => {
  const close = (a: readonly (number | undefined)[], b: readonly (number | undefined)[]) =>
    a.forEach((value, i) => void expect(Math.abs(value! - b[i]!)).toBeLessThan(1e-5 * Math.abs(b[i]!)));

  /**
   * With one more parameter, so that three workers have one each, and with a matrix that is updated in
   * pieces.
   */
  function wideTask(): TrainingTask {
    const { objective, batch } = regressionTask(200, 180);
    return {
      batch,
      objective: (size) => (tracer) => {
        const gain = tracer.scope("more").parameter("gain", [180], { kind: "ones" });
        const { loss } = objective(size)(tracer);
        return { loss: add(loss, mean(square(gain))) };
      },
    };
  }

  const changed = <T extends object>(whole: T, own: Partial<T>): T =>
    new Proxy(whole, {
      get: (target, name) => {
        const value: unknown = Reflect.get(Object.hasOwn(own, name) ? own : target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });

  /** An engine whose second worker fails when it is to update its share in a step, counted from 1. */
  function failingAt(step: number): Engine {
    let workers = 0;
    let updates = 0;
    const load = (worker: Engine): Engine["load"] => {
      return async (program, options) => {
        const session = await worker.load(program, options);
        const run: Session["run"] = async (inputs, given) => {
          if ("factor" in inputs && ++updates === step)
            throw new NishikiError("device", "The device is gone.");
          return session.run(inputs, given);
        };
        return changed(session, { run });
      };
    };
    const sibling: Engine["sibling"] = (threads) => {
      const worker = engine.sibling(threads);
      return workers++ === 0 ? worker : changed(worker, { load: load(worker) });
    };
    return changed(engine, { sibling });
  }

  it.each([
    ["adamw", 2],
    ["adamw", 3],
    ["muon", 2],
  ] as const)("computes the same steps with %s in %i workers", async (kind, workers) => {
    const optimizer = { ...runOptions("", 1).optimizer, kind, gradientClipping: 0.5 };
    const task = wideTask();
    const whole = await wholeRun(6, { optimizer }, task);
    const parts = await wholeRun(6, { optimizer, workers }, task);
    close(parts.losses, whole.losses);
    expect(parts.norms[0]).toBeGreaterThan(0.5); // so that clipping is at work
    close(parts.norms, whole.norms);
  });

  it("computes the same steps in workers when some parameters have an optimizer of their own", async () => {
    const groups = [{ scope: "more", kind: "adamw", weightDecay: 0, learningRateScale: 0.25 }] as const;
    const task: TrainingTask = { ...wideTask(), optimizerGroups: groups };
    const [whole, parts] = [await wholeRun(6, {}, task), await wholeRun(6, { workers: 2 }, task)];
    close(parts.losses, whole.losses);
    const slower = await wholeRun(6, {}, wideTask());
    expect(whole.losses[0]).toBe(slower.losses[0]);
    expect(whole.losses[5]).not.toBe(slower.losses[5]);
  });

  it("goes on bit for bit, whatever the number of threads that a worker does not get", async () => {
    const straight = await wholeRun(7, { workers: 2 });
    await withFolder(async (folder) => {
      await runTraining(engine, regressionTask(), runOptions(folder, 3, { workers: 2 }), same);
      const two = makeEngine({ threads: 2 });
      try {
        const options = runOptions(folder, 7, { workers: 2, resume: true });
        await runTraining(two, regressionTask(), options, same);
      } finally {
        await two.close();
      }
      expect((await bytesOf(folder)).equals(straight.bytes)).toBe(true);
    });
  });

  it("keeps no state that a broken step has half updated", async () => {
    const straight = await wholeRun(5, { workers: 2 });
    await withFolder(async (folder) => {
      const options = runOptions(folder, 5, { workers: 2, checkpointInterval: 1 });
      const error = await failure(runTraining(failingAt(3), regressionTask(), options, same));
      expect(error.message).toMatch(/^The device is gone\. The checkpoint of step 1 /);
      await runTraining(engine, regressionTask(), { ...options, resume: true }, same);
      expect((await bytesOf(folder)).equals(straight.bytes)).toBe(true);
    });
  });

  it("is refused where the batch does not divide", async () => {
    await withFolder(async (folder) => {
      const error = await failure(
        runTraining(engine, regressionTask(), runOptions(folder, 2, { workers: 4 }), same),
      );
      expect(error).toMatchObject({
        code: "usage",
        message: expect.stringMatching(/a divisor of the batch size 6, got 4/),
      });
    });
  });
});
