// Computes steps: in one session with one program, or in data-parallel workers (Dean et al. 2012, "Large
// scale distributed deep networks") that each update a share of the parameters (Rajbhandari et al. 2020,
// arXiv:1910.02054). Two workers with one thread each beat one with two threads: small operations gain
// nothing from a second thread, but wait for it.
import type { Engine, HostTensor, HostTensors, KeptPieces, Session, WeightPlaces } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import type { Parameter } from "../graph/index.js";
import type { State } from "./initial-state.js";
import { adamNames, type OptimizerConfig, settingsOf, usesMuon } from "./optimizer.js";
import { nextName, type Objective, type StepProgram } from "./step-program.js";
import {
  dealShares,
  fromWorker,
  gradientName,
  makeAverageProgram,
  makeGradientProgram,
  makePieceProgram,
  makeSumProgram,
  makeUpdateProgram,
  type PieceSettings,
  sumName,
} from "./worker-programs.js";

/** Computes the steps of a run. */
export interface Stepper {
  /** One step. @returns loss, gradientNorm and the objective's metrics. */
  step(batch: HostTensors, scalars: HostTensors): Promise<Record<string, number>>;
  /** Copies the parameters and all carried state. */
  readState(): Promise<State>;
  close(): Promise<void>;
}

export interface StepperOptions {
  readonly objective: (batch: number) => Objective;
  readonly batchSize: number;
  readonly optimizer: OptimizerConfig;
  readonly frozen: WeightPlaces | undefined;
  /** Number of data-parallel workers. */
  readonly workers: number;
}

const toNumbers = (outputs: HostTensors): Record<string, number> =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])]));

const merge = <T>(parts: readonly Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.assign({}, ...parts);

/** Number of threads per worker. */
export function threadsOfWorker(threads: number, workers: number): number {
  return Math.max(1, Math.floor(threads / workers));
}

/** @param whole the step as one program */
export async function makeStepper(
  engine: Engine,
  whole: StepProgram,
  state: State,
  options: StepperOptions,
): Promise<Stepper> {
  return options.workers > 1
    ? Workers.open(engine, state, options)
    : makeSingle(engine, whole, state, options);
}

async function makeSingle(
  engine: Engine,
  { program, parameters, state: others }: StepProgram,
  state: State,
  { frozen }: StepperOptions,
): Promise<Stepper> {
  const carried = Object.fromEntries(
    [...parameters, ...others].map(({ name }) => [name, { output: nextName(name), initial: state[name]! }]),
  );
  const session = await engine.load(program, { carried, weights: frozen, usualSizes: {} });
  return {
    step: async (batch, scalars) => toNumbers(await session.run({ ...batch, ...scalars })),
    readState: () => session.readState(),
    close: () => session.close(),
  };
}

/** One worker: an engine, and the share of the parameters that it updates. */
interface Worker {
  readonly engine: Engine;
  readonly share: readonly string[];
  /** Names of the share's parameters and their state. */
  readonly owned: readonly string[];
  readonly gradients: Session;
  readonly sums: Session;
  /** Sessions that together update the share. */
  readonly updates: readonly Session[];
  readonly average: Session;
}

class Workers implements Stepper {
  readonly #workers: readonly Worker[];
  readonly #options: StepperOptions;
  /** False while a step changes the state, and permanently if that fails. */
  #whole = true;

  private constructor(workers: readonly Worker[], options: StepperOptions) {
    this.#workers = workers;
    this.#options = options;
  }

  static async open(engine: Engine, state: State, options: StepperOptions): Promise<Workers> {
    const { workers: count, batchSize, objective, optimizer, frozen } = options;
    const part = batchSize / count;
    const { program, parameters } = makeGradientProgram(objective(part));
    if (parameters.length < count) {
      const has = `the network has ${parameters.length} parameters to deal out`;
      throw new NishikiError(
        "usage",
        `workers: expected ${parameters.length} at most (${has}), got ${count}.`,
      );
    }
    const shares = dealShares(parameters, count, optimizer);
    const engines = shares.map(() => engine.sibling(threadsOfWorker(engine.threads, count)));
    const names = parameters.map(({ name }) => name);
    try {
      const workers = shares.map(async (share, index): Promise<Worker> => {
        const own = engines[index]!;
        const writes = Object.fromEntries(names.map((name) => [gradientName(name), gradientName(name)]));
        const reads = Object.fromEntries(names.map((name) => [name, name]));
        const gradients = await own.load(program, {
          kept: { reads, writes },
          weights: frozen,
          usualSizes: {},
        });
        return { ...(await loadShare(own, share, index, state, options)), gradients };
      });
      const opened = new Workers(await Promise.all(workers), options);
      await opened.#spread(parameters, state);
      return opened;
    } catch (error) {
      await Promise.all(engines.map((each) => each.close()));
      throw error;
    }
  }

  /** Gives every worker all parameters. */
  async #spread(parameters: readonly Parameter[], state: State): Promise<void> {
    for (const { engine } of this.#workers) {
      await engine.keep(Object.fromEntries(parameters.map(({ name }) => [name, copyOf(state[name]!)])));
    }
  }

  async step(batch: HostTensors, scalars: HostTensors): Promise<Record<string, number>> {
    const workers = this.#workers;
    const parts = this.#split(batch);
    const numbers = await Promise.all(
      workers.map(async ({ gradients }, index) =>
        toNumbers(await gradients.run(parts[index]!, { give: true })),
      ),
    );
    const squares = await this.#sum();
    const norm = Math.sqrt(squares) / workers.length;
    const factor = Math.min(this.#options.optimizer.gradientClipping / (norm + 1e-6), 1) / workers.length;
    const scale: HostTensor = { dtype: "f32", shape: [], data: Float32Array.of(factor) };
    const { averageDecay, ...rates } = scalars;
    this.#whole = false;
    await Promise.all([
      this.#giveBack(),
      ...workers.map(async ({ updates, average }) => {
        for (const update of updates) await update.run({ ...rates, factor: scale });
        if (averageDecay!.data[0] !== 1) await average.run({ averageDecay: averageDecay! });
      }),
    ]);
    await this.#share();
    this.#whole = true;
    return { ...meanOf(numbers), gradientNorm: norm };
  }

  /** Splits the batch into equal parts along the first axis of every input. */
  #split(batch: HostTensors): Record<string, HostTensor>[] {
    const { workers, batchSize } = this.#options;
    const rows = batchSize / workers;
    return Array.from({ length: workers }, (_, worker) =>
      Object.fromEntries(
        Object.entries(batch).map(([name, { dtype, shape, data }]) => {
          if (shape[0] !== batchSize) throw notSplit(name, shape, batchSize);
          const each = data.length / batchSize;
          const part = data.slice(worker * rows * each, (worker + 1) * rows * each);
          return [name, { dtype, shape: [rows, ...shape.slice(1)], data: part }];
        }),
      ),
    );
  }

  /**
   * Each worker sums its share of all workers' gradients, which it borrows.
   * @returns the sum of squares of all sums
   */
  async #sum(): Promise<number> {
    await this.#amongWorkers(async (owner, other, from) => {
      const borrowed = await other.engine.takeKept(owner.share.map(gradientName));
      await owner.engine.keep(renamed(borrowed, owner.share, gradientName, (name) => fromWorker(from, name)));
    });
    const sums = this.#workers.map(async ({ sums }) => toNumbers(await sums.run({})).squares!);
    return (await Promise.all(sums)).reduce((a, b) => a + b);
  }

  /** Returns borrowed gradients, because the next ones are written in place. */
  async #giveBack(): Promise<void> {
    await this.#amongWorkers(async (owner, other, from) => {
      const borrowed = await owner.engine.takeKept(owner.share.map((name) => fromWorker(from, name)));
      await other.engine.keep(renamed(borrowed, owner.share, (name) => fromWorker(from, name), gradientName));
    });
  }

  /** Gives each worker the parameters that the others have updated. */
  async #share(): Promise<void> {
    await this.#amongWorkers(async ({ engine, share }, other) => {
      await other.engine.keep(await engine.readKept(share, await other.engine.takeKept(share)));
    });
  }

  /** Runs `exchange` for each ordered pair of workers. */
  async #amongWorkers(
    exchange: (owner: Worker, other: Worker, index: number) => Promise<void>,
  ): Promise<void> {
    const workers = this.#workers;
    await Promise.all(
      workers.flatMap((owner) =>
        workers.map((other, index) => (other === owner ? undefined : exchange(owner, other, index))),
      ),
    );
  }

  async readState(): Promise<State> {
    if (!this.#whole) {
      throw new NishikiError(
        "training",
        "A step broke off while it updated the weights: they are of no step.",
      );
    }
    return merge(await Promise.all(this.#workers.map(({ engine, owned }) => engine.readKept(owned))));
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ engine }) => engine.close()));
  }
}

/** Loads the sessions that sum and update a share of the parameters, with its state. */
async function loadShare(
  engine: Engine,
  share: readonly Parameter[],
  worker: number,
  first: State,
  { workers, optimizer }: StepperOptions,
): Promise<Omit<Worker, "gradients">> {
  const averages = makeAverageProgram(share);
  const names = share.map(({ name }) => name);
  const averaged = averages.state.map(({ name }) => name);
  const all = Array.from({ length: workers }, (_, each) => each);
  const gradients = all.map((each) =>
    pairs(
      names,
      (name) => fromWorker(each, name),
      each === worker ? gradientName : (name) => fromWorker(each, name),
    ),
  );
  const sums = await engine.load(makeSumProgram(share, workers), {
    kept: { reads: merge(gradients), writes: pairs(names, sumName, sumName) },
  });
  await engine.keep(Object.fromEntries(averaged.map((name) => [name, copyOf(first[name]!)])));
  const average = await engine.load(averages.program, {
    kept: { reads: asThemselves([...names, ...averaged]), writes: asNext(averaged) },
  });
  const { updates, state } = await loadUpdates(engine, share, first, optimizer);
  return { engine, share: names, owned: [...names, ...state, ...averaged], sums, updates, average };
}

/**
 * Elements per piece. Twelve passes over pieces of 512 KiB mostly hit the processor's cache; calls for
 * smaller pieces would cost more than they save. Small parameters are updated together for the same reason.
 */
const pieceSize = 2 ** 17;

const sizeOf = ({ shape }: Parameter) => shape.reduce((a, b) => a * b, 1);

/** Loads the sessions that update a share, and the optimizer's state. */
async function loadUpdates(
  engine: Engine,
  share: readonly Parameter[],
  first: State,
  optimizer: OptimizerConfig,
): Promise<{ updates: Session[]; state: string[] }> {
  const inPieces = (parameter: Parameter) =>
    !usesMuon(optimizer, parameter) && sizeOf(parameter) > pieceSize / 4;
  const whole = share.filter((parameter) => !inPieces(parameter));
  const elementwise = share.filter(inPieces);
  const keepFirst = (names: readonly string[]) =>
    engine.keep(Object.fromEntries(names.map((name) => [name, copyOf(first[name]!)])));
  const updates: Session[] = [];
  const carried: string[] = [];
  if (whole.length > 0) {
    const { program, state } = makeUpdateProgram(whole, optimizer);
    const names = whole.map(({ name }) => name);
    const own = state.map(({ name }) => name);
    await keepFirst(own);
    const updated = [...names, ...own];
    const reads = { ...pairs(names, sumName, sumName), ...asThemselves(updated) };
    updates.push(await engine.load(program, { kept: { reads, writes: asNext(updated) } }));
    carried.push(...own);
  }
  for (const { names, settings } of alikeInPieces(elementwise, optimizer)) {
    const moments = names.flatMap(adamNames);
    await keepFirst(moments);
    const sets = names.map(pieceOf);
    const update = makePieceProgram(settings, optimizer);
    updates.push(await engine.load(update, { pieces: { size: pieceSize, sets } }));
    carried.push(...moments);
  }
  return { updates, state: carried };
}

/** Names of parameters by the settings of their updates: those of one entry share a program. */
function alikeInPieces(
  parameters: readonly Parameter[],
  optimizer: OptimizerConfig,
): { readonly names: string[]; readonly settings: PieceSettings }[] {
  const groups = new Map<string, { names: string[]; settings: PieceSettings }>();
  for (const parameter of parameters) {
    const { weightDecay, learningRateScale } = settingsOf(optimizer, parameter);
    const settings = { weightDecay: parameter.shape.length > 1 ? weightDecay : 0, learningRateScale };
    const key = JSON.stringify(settings);
    const group = groups.get(key) ?? { names: [], settings };
    groups.set(key, group);
    group.names.push(parameter.name);
  }
  return [...groups.values()];
}

function pieceOf(name: string): KeptPieces["sets"][number] {
  const [m, v] = adamNames(name);
  return {
    reads: { p: name, m, v, gradient: sumName(name) },
    writes: { [nextName("p")]: name, [nextName("m")]: m, [nextName("v")]: v },
  };
}

const pairs = (
  names: readonly string[],
  key: (name: string) => string,
  value: (name: string) => string,
): Record<string, string> => Object.fromEntries(names.map((name) => [key(name), value(name)]));

const asThemselves = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));
const asNext = (names: readonly string[]) => Object.fromEntries(names.map((name) => [nextName(name), name]));

/** Tensors of a share under other names. */
function renamed(
  tensors: HostTensors,
  share: readonly string[],
  from: (name: string) => string,
  to: (name: string) => string,
): HostTensors {
  return Object.fromEntries(share.map((name) => [to(name), tensors[from(name)]!]));
}

/** The engine takes ownership of kept tensors, but the first state remains the caller's. */
function copyOf(tensor: HostTensor): HostTensor {
  return { ...tensor, data: tensor.data.slice() };
}

function meanOf(numbers: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = Object.keys(numbers[0] ?? {});
  const mean = (name: string) => numbers.reduce((sum, each) => sum + each[name]!, 0) / numbers.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}

function notSplit(name: string, shape: readonly number[], batchSize: number): NishikiError {
  const came = `[${shape.join(", ")}]`;
  return new NishikiError(
    "internal",
    `The input "${name}" is ${came}; workers need the batch of ${batchSize} as its first axis.`,
  );
}
