// The engine of Node: queueing, closing, dying, state that stays on the device, and what it says when something is wrong.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import {
  add,
  cast,
  exp,
  fill,
  gradients,
  linear,
  matmul,
  mean,
  mul,
  type Program,
  sin,
  square,
  sub,
  sum,
  trace,
} from "../graph/index.js";
import type { Engine, HostTensor } from "./engine.js";
import { makeEngine } from "./node.js";

const shared = makeEngine({ device: "cpu", threads: 1 });
const engines: Engine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));
afterAll(() => shared.close());

/** An engine of one test, closed after it. */
function ownEngine(): Engine {
  const engine = makeEngine({ device: "cpu", threads: 1 });
  engines.push(engine);
  return engine;
}

function floats(shape: readonly number[], fillWith: (i: number) => number = () => 0): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "f32", shape, data: Float32Array.from({ length: size }, (_, i) => fillWith(i)) };
}

const double = trace((t) => ({ y: mul(t.input("x", ["n"]), 2) }));

/** About a tenth of a second or more of products on one thread. */
function heavy(size = 512, times = 8): Program {
  return trace((t) => {
    const x = t.input("x", [size, size]);
    let y = x;
    for (let i = 0; i < times; i++) y = matmul(y, add(x, i));
    return { y };
  });
}

/** What a promise is rejected with. */
async function failure(work: Promise<unknown>): Promise<NishikiError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NishikiError);
  return error as NishikiError;
}

/** A new engine, and the thread that Node says it started. */
async function makeWithThread(): Promise<{ engine: Engine; thread: Worker }> {
  const started = once(process, "worker") as Promise<[Worker]>;
  const engine = ownEngine();
  return { engine, thread: (await started)[0] };
}

describe("devices", () => {
  it("refuses an unknown device and lists the choices", () => {
    expect(() => makeEngine({ device: "abacus" as "cpu" })).toThrow(
      'Unknown device "abacus". Choose one of: auto, cpu, webgpu, cuda, coreml, dml.',
    );
  });

  it("takes auto as the CPU", () => {
    const engine = makeEngine({ device: "auto", threads: 1 });
    engines.push(engine);
    expect(engine.device).toBe("cpu");
  });

  it.each([0, 1.5, Number.NaN])("refuses %s threads", (threads) => {
    expect(() => makeEngine({ threads })).toThrow(`threads: expected a whole number from 1, got ${threads}.`);
  });

  // No machine has these two: one is of macOS, the other of Windows.
  it.each([process.platform === "darwin" ? "dml" : "coreml"] as const)(
    "says that %s is missing",
    async (device) => {
      const engine = makeEngine({ device });
      engines.push(engine);
      const error = await failure(engine.load(double));
      expect(error.code).toBe("device");
      expect(error.message).toContain(`This machine has no ${device} device: choose another, such as "cpu"`);
    },
  );

  it.runIf(process.platform === "linux")(
    "says that cuda is missing where its provider is not installed",
    async () => {
      const engine = makeEngine({ device: "cuda" });
      engines.push(engine);
      const error = await failure(engine.load(double));
      expect(error.code).toBe("device");
      expect(error.message).toContain("This machine has no cuda device");
    },
  );
});

describe("inputs", () => {
  const program = trace((t) => {
    const x = t.input("x", ["batch", 2]);
    const y = t.input("y", ["batch"]);
    return { z: add(sum(x, 1), y) };
  });
  const good = { x: floats([3, 2]), y: floats([3]) };

  it.each([
    ["an unknown name", { ...good, w: floats([1]) }, 'Unknown input "w". The program has: x, y.'],
    ["missing names", {}, 'Missing inputs: expected "x" f32 [batch, 2], "y" f32 [batch].'],
    ["a fixed size", { ...good, x: floats([3, 4]) }, 'Input "x": expected f32 [batch, 2], got f32 [3, 4].'],
    ["a symbol with two sizes", { ...good, y: floats([4]) }, 'Input "y": "batch" is 4 here but 3 in "x".'],
    [
      "another type",
      { ...good, y: { dtype: "i32", shape: [3], data: new Int32Array(3) } as const },
      'Input "y": expected f32 [batch], got i32 [3] held in a Int32Array of 3.',
    ],
    [
      "another array",
      { ...good, y: { dtype: "f32", shape: [3], data: new Float64Array(3) } as const },
      'Input "y": expected f32 [batch], got f32 [3] held in a Float64Array of 3.',
    ],
    [
      "too few elements",
      { ...good, y: { dtype: "f32", shape: [3], data: new Float32Array(2) } as const },
      'Input "y": expected f32 [batch], got f32 [3] held in a Float32Array of 2.',
    ],
  ])("names %s", async (_, inputs, message) => {
    const session = await shared.load(program);
    const error = await failure(session.run(inputs));
    expect(error.code).toBe("shape");
    expect(error.message).toBe(message);
    // The session goes on.
    expect((await session.run(good)).z!.shape).toEqual([3]);
    await session.close();
  });

  it("refuses bfloat16 at the boundary", async () => {
    const error = await failure(shared.load(trace((t) => ({ y: cast(t.input("x", [1]), "bf16") }))));
    expect(error.message).toBe('"y" is bf16, which only stores weights: cast it to f32.');
  });

  it("takes a view of a larger buffer, and leaves the caller's arrays alone", async () => {
    const session = await shared.load(double);
    const data = new Float32Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const { y } = await session.run({ x: { dtype: "f32", shape: [3], data } });
    expect([...(y!.data as Float32Array)]).toEqual([2, 4, 6]);
    expect([...data]).toEqual([1, 2, 3]);
    await session.close();
  });

  it("carries every type across", async () => {
    const program = trace((t) => ({
      A: add(t.input("a", [2], "f64"), 1),
      B: add(t.input("b", [2], "i64"), 1),
      C: cast(t.input("c", [2], "f16"), "f32"),
      D: cast(t.input("d", [2], "f32"), "f16"),
      E: cast(t.input("e", [2], "bool"), "u8"),
      F: cast(t.input("f", [2], "i8"), "bool"),
      G: t.input("g", [2], "i32"),
    }));
    const session = await shared.load(program);
    const result = await session.run({
      a: { dtype: "f64", shape: [2], data: new Float64Array([0.1, 2]) },
      b: { dtype: "i64", shape: [2], data: new BigInt64Array([-1n, 2n ** 60n]) },
      c: { dtype: "f16", shape: [2], data: new Uint16Array([0x3c00, 0xc100]) },
      d: { dtype: "f32", shape: [2], data: new Float32Array([1, -2.5]) },
      e: { dtype: "bool", shape: [2], data: new Uint8Array([1, 0]) },
      f: { dtype: "i8", shape: [2], data: new Int8Array([-3, 0]) },
      g: { dtype: "i32", shape: [2], data: new Int32Array([7, -7]) },
    });
    expect(result.A!.data).toEqual(new Float64Array([1.1, 3]));
    expect(result.B!.data).toEqual(new BigInt64Array([0n, 2n ** 60n + 1n]));
    expect(result.C!.data).toEqual(new Float32Array([1, -2.5]));
    expect(result.D).toEqual({ dtype: "f16", shape: [2], data: new Uint16Array([0x3c00, 0xc100]) });
    expect(result.E!.data).toEqual(new Uint8Array([1, 0]));
    expect(result.F).toEqual({ dtype: "bool", shape: [2], data: new Uint8Array([1, 0]) });
    expect(result.G!.data).toEqual(new Int32Array([7, -7]));
    await session.close();
  });
});

describe("running", () => {
  it("does not block the event loop", async () => {
    const session = await shared.load(heavy());
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await session.run({ x: floats([512, 512]) });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    await session.close();
  });

  it("answers calls in order, also of several sessions", async () => {
    const [one, two] = await Promise.all([shared.load(double), shared.load(heavy(128, 2))]);
    const order: string[] = [];
    await Promise.all([
      two.run({ x: floats([128, 128]) }).then(() => order.push("heavy")),
      one.run({ x: floats([1]) }).then(() => order.push("light")),
      two.run({ x: floats([128, 128]) }).then(() => order.push("heavy again")),
    ]);
    expect(order).toEqual(["heavy", "light", "heavy again"]);
    await Promise.all([one.close(), two.close()]);
  });

  it("runs one session at several sizes", async () => {
    const session = await shared.load(double);
    for (const n of [1, 5, 2]) {
      const { y } = await session.run({ x: floats([n], (i) => i) });
      expect(y).toEqual(floats([n], (i) => 2 * i));
    }
    await session.close();
  });

  it("reports that memory is not enough, and goes on", async () => {
    const session = await shared.load(
      trace((t) => {
        const x = t.input("x", ["n", 1]);
        return { y: sum(exp(matmul(x, x, { transposeB: true }))) };
      }),
    );
    const error = await failure(session.run({ x: floats([8_000_000, 1]) })); // 256 TB: more than addresses reach
    expect(error.code).toBe("memory");
    expect(error.message).toContain("Not enough memory on cpu: choose a smaller size");
    expect((await session.run({ x: floats([2, 1]) })).y!.data).toEqual(new Float32Array([4]));
    await session.close();
  });

  it("reports an index that is outside of its table as a failure of the run", async () => {
    const { gather } = await import("../graph/index.js");
    const session = await shared.load(
      trace((t) => ({ y: gather(t.input("x", [2]), t.input("i", [1], "i64")) })),
    );
    const error = await failure(
      session.run({ x: floats([2]), i: { dtype: "i64", shape: [1], data: new BigInt64Array([5n]) } }),
    );
    expect(error.code).toBe("device");
    await session.close();
  });
});

describe("state carried between runs", () => {
  const rate = 0.1;
  /** Gradient descent with momentum on a linear model: w and m are carried, and "t" counts. */
  const training = trace((t) => {
    const w = t.scope().parameter("w", [1, 2]);
    const m = t.input("m", [1, 2]);
    const count = t.input("count", []);
    const loss = mean(square(sub(linear(t.input("x", ["n", 2]), w), t.input("y", ["n", 1]))));
    const momentum = add(mul(m, 0.9), gradients(loss, [w])[0]!);
    return { loss, "w.next": sub(w, mul(momentum, rate)), "m.next": momentum, "count.next": add(count, 1) };
  });
  const carried = {
    w: { output: "w.next", initial: floats([1, 2], (i) => i + 0.5) },
    m: { output: "m.next", initial: floats([1, 2]) },
    count: { output: "count.next", initial: floats([]) },
  };
  const x = [1, 0.5, -0.3, 2, 0.7, -1];
  const y = [1, -2, 0.25];
  const batch = { x: floats([3, 2], (i) => x[i]!), y: floats([3, 1], (i) => y[i]!) };

  /** The same by hand, in double precision. */
  function byHand(steps: number) {
    const [w, m] = [
      [0.5, 1.5],
      [0, 0],
    ] as [number[], number[]];
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      const errors = y.map((target, n) => w[0]! * x[2 * n]! + w[1]! * x[2 * n + 1]! - target);
      loss = errors.reduce((total, e) => total + e * e, 0) / 3;
      for (const i of [0, 1]) {
        const g = errors.reduce((total, e, n) => total + (2 / 3) * e * x[2 * n + i]!, 0);
        m[i] = 0.9 * m[i]! + g;
        w[i] = w[i]! - rate * m[i]!;
      }
    }
    return { w, m, loss };
  }

  it("equals the same computed by hand over many runs", async () => {
    const session = await shared.load(training, { carried });
    expect(session.inputs.map(({ name }) => name)).toEqual(["x", "y"]);
    expect(session.outputs).toEqual(["loss"]);
    for (const steps of [1, 2, 3, 50, 51]) {
      let result: Record<string, HostTensor> = {};
      const done = (await session.readState()).count!.data[0] as number;
      for (let i = done; i < steps; i++) result = await session.run(batch);
      const wanted = byHand(steps);
      const state = await session.readState();
      expect(result.loss!.data[0]).toBeCloseTo(wanted.loss, 5);
      for (const i of [0, 1]) {
        expect(state.w!.data[i]).toBeCloseTo(wanted.w[i]!, 5);
        expect(state.m!.data[i]).toBeCloseTo(wanted.m[i]!, 5);
      }
      expect(state.count).toEqual(floats([], () => steps));
    }
    await session.close();
  });

  it("is read, written and continued bit for bit, and the first values are not written over", async () => {
    const session = await shared.load(training, { carried });
    for (let i = 0; i < 3; i++) await session.run(batch);
    const middle = await session.readState();
    for (let i = 0; i < 2; i++) await session.run(batch);
    const wanted = await session.readState();
    await session.writeState({ w: middle.w!, m: middle.m!, count: middle.count! });
    for (let i = 0; i < 2; i++) await session.run(batch);
    expect(await session.readState()).toEqual(wanted);
    expect(carried.w.initial).toEqual(floats([1, 2], (i) => i + 0.5));
    // A second session starts at the beginning.
    const second = await shared.load(training, { carried });
    expect((await second.readState()).w).toEqual(carried.w.initial);
    await Promise.all([session.close(), second.close()]);
  });

  it.each([
    [{ w2: floats([1, 2]) }, 'Unknown carried tensor "w2". The program has: none.'],
    [{ w: floats([2, 2]) }, 'Carried tensor "w": expected f32 [1, 2], got f32 [2, 2].'],
    [
      { w: { dtype: "f32", shape: [1, 2], data: new Float32Array(1) } as const },
      'Carried tensor "w": expected f32 [1, 2], got f32 [1, 2] held in a Float32Array of 1.',
    ],
  ])("refuses to be overwritten by something else (%#)", async (state, message) => {
    const session = await shared.load(training, { carried });
    expect((await failure(session.writeState(state))).message).toBe(message);
    expect((await session.readState()).w).toEqual(carried.w.initial);
    await session.close();
  });

  it.each([
    [{ v: carried.w }, 'Unknown carried input "v". The program has: m, count, x, y, w.'],
    [
      { w: { ...carried.w, output: "v.next" } },
      'Unknown carried output "v.next". The program has: loss, w.next, m.next, count.next.',
    ],
    [
      { w: { ...carried.w, initial: floats([2]) } },
      'Carried tensor "w": expected f32 [1, 2], got f32 [2] held in a Float32Array of 2.',
    ],
    [
      { w: { ...carried.w, output: "loss" } },
      'Output "loss" is f32 [] and cannot be carried to "w", f32 [1, 2].',
    ],
  ])("must be an input and an output that fit (%#)", async (wrong, message) => {
    const error = await failure(shared.load(training, { carried: { ...carried, ...wrong } }));
    expect(error.code).toBe("shape");
    expect(error.message).toBe(message);
  });
});

describe("closing", () => {
  it("closes a session once, and says so when it is used", async () => {
    const session = await shared.load(double);
    await session.close();
    await session.close();
    for (const use of [session.run({ x: floats([1]) }), session.readState(), session.writeState({})]) {
      const error = await failure(use);
      expect(error.code).toBe("closed");
      expect(error.message).toBe("The session is closed; load the program again.");
    }
  });

  it("finishes what was asked before the session was closed", async () => {
    const session = await shared.load(heavy(128, 2));
    const run = session.run({ x: floats([128, 128], () => 0) });
    await session.close();
    expect((await run).y!.shape).toEqual([128, 128]);
  });

  it("closes an engine with all that waits, and says so when it is used", async () => {
    const engine = ownEngine();
    const session = await engine.load(heavy());
    const inputs = { x: floats([512, 512]) };
    const runs = [failure(session.run(inputs)), failure(session.run(inputs))];
    await engine.close();
    await engine.close();
    for (const error of [
      ...(await Promise.all(runs)),
      await failure(session.run(inputs)),
      await failure(engine.load(double)),
    ]) {
      expect(error.code).toBe("closed");
      expect(error.message).toBe("The engine is closed; make a new one.");
    }
    await session.close();
  });

  it("survives the death of its thread", async () => {
    const { engine, thread } = await makeWithThread();
    const session = await engine.load(double);
    const inputs = { x: floats([1]) };
    // In this order: a thread that is ended inside of the runtime would take the process with it.
    void thread.terminate();
    const runs = [failure(session.run(inputs)), failure(session.run(inputs))];
    await Promise.all(runs);
    const later = [failure(session.run(inputs)), failure(session.readState()), failure(engine.load(double))];
    for (const error of await Promise.all([...runs, ...later])) {
      expect(error.code).toBe("device");
      expect(error.message).toContain("The engine's thread ended unexpectedly");
    }
    await session.close();
    await engine.close();
    // Other engines go on.
    const other = await shared.load(double);
    expect((await other.run({ x: floats([1], () => 4) })).y!.data).toEqual(new Float32Array([8]));
    await other.close();
  });

  it.each(["process.exit(3)", "throw new Error('of the caller')"])(
    "lets the process end in the middle of a run by %s",
    async (statement) => {
      // Ending the thread inside of the runtime would abort the process (exit by SIGABRT).
      const script = `
      import { makeEngine } from ${JSON.stringify(new URL("../../dist/engine/node.js", import.meta.url).href)};
      import { add, matmul, trace } from ${JSON.stringify(new URL("../../dist/graph/index.js", import.meta.url).href)};
      const program = trace((t) => {
        const x = t.input("x", [512, 512]);
        let y = x;
        for (let i = 0; i < 16; i++) y = matmul(y, add(x, i));
        return { y };
      });
      const session = await makeEngine({ threads: 1 }).load(program);
      const x = { dtype: "f32", shape: [512, 512], data: new Float32Array(512 * 512) };
      await session.run({ x });
      for (let i = 0; i < 3; i++) session.run({ x }).catch(() => {});
      setTimeout(() => { ${statement}; }, 30);
    `;
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let text = "";
      child.stderr.on("data", (part: Buffer) => {
        text += part.toString();
      });
      const [code] = await once(child, "close");
      const thrown = statement.startsWith("throw");
      if (thrown) expect(text).toContain("Error: of the caller");
      else expect(text).toBe("");
      expect(code).toBe(thrown ? 1 : 3);
    },
  );

  it("reports a thread that throws", async () => {
    const { engine, thread } = await makeWithThread();
    await engine.load(double);
    thread.postMessage("not one of our messages");
    const error = await failure(
      (async () => {
        for (;;) await engine.load(double);
      })(),
    );
    expect(error.code).toBe("device");
  });
});

it("gives the same bytes for the same inputs", async () => {
  const program = trace((t) => {
    const x = t.input("x", [64, 64]);
    const y = mean(sin(matmul(x, exp(x))), 0);
    return { y, d: gradients(sum(mul(y, y)), [x])[0]!, z: fill(t.graph, [2], 1) };
  });
  const inputs = { x: floats([64, 64], (i) => Math.sin(i * i)) };
  const first = await shared.load(program);
  const second = await shared.load(program);
  const results = [await first.run(inputs), await first.run(inputs), await second.run(inputs)];
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  await Promise.all([first.close(), second.close()]);
});
