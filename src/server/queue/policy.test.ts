import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrange, chooseNext, type OwnerState, overtakeLimit, type Waiting } from "./policy.js";

const makeJob = (about: Partial<Waiting> & { readonly id: string }): Waiting => ({
  owner: "anna",
  priority: 0,
  position: Number(about.id),
  model: "a",
  overtaken: 0,
  ...about,
});

/** Runs all jobs one after the other, as one worker would. */
function runAll(jobs: readonly Waiting[], loaded: ReadonlySet<string>): Waiting[] {
  const owners = new Map<string, OwnerState>();
  const overtaken = new Map<string, number>();
  let waiting = [...jobs];
  const order: Waiting[] = [];
  for (let served = 1; waiting.length > 0; served++) {
    const current = waiting.map((job) => ({ ...job, overtaken: overtaken.get(job.id) ?? 0 }));
    const { job, overtakes } = chooseNext(current, owners, loaded)!;
    for (const { id } of overtakes) overtaken.set(id, (overtaken.get(id) ?? 0) + 1);
    owners.set(job.owner, { running: 0, served });
    waiting = waiting.filter(({ id }) => id !== job.id);
    order.push(job);
  }
  return order;
}

const someJobs = fc
  .array(
    fc.record({
      owner: fc.constantFrom("anna", "ben", "cleo"),
      priority: fc.integer({ min: -1, max: 1 }),
      model: fc.constantFrom("a", "b", "c"),
    }),
    { maxLength: 40 },
  )
  .map((jobs) => jobs.map((job, index) => makeJob({ id: String(index), ...job })));

describe("chooseNext", () => {
  it("has nothing to choose from an empty queue", () => {
    expect(chooseNext([], new Map(), new Set())).toBeUndefined();
  });

  it("runs higher priorities first, whatever is in memory", () => {
    fc.assert(
      fc.property(someJobs, (jobs) => {
        const priorities = runAll(jobs, new Set(["a"])).map(({ priority }) => priority);
        expect(priorities).toEqual([...priorities].sort((x, y) => y - x));
      }),
    );
  });

  it("overtakes a job at most a few times, and only by its owner's jobs of the same priority", () => {
    fc.assert(
      fc.property(someJobs, (jobs) => {
        const order = runAll(jobs, new Set(["a"]));
        for (const [place, job] of order.entries()) {
          const sooner = order.slice(0, place).filter((other) => other.owner === job.owner);
          const overtaking = sooner.filter(
            (other) => other.priority === job.priority && other.position > job.position,
          );
          expect(overtaking.length).toBeLessThanOrEqual(overtakeLimit);
          expect(overtaking.every(({ model }) => model === "a")).toBe(true);
        }
      }),
    );
  });

  it("never serves an owner twice while another waits with the same priority", () => {
    fc.assert(
      fc.property(someJobs, (jobs) => {
        const order = runAll(jobs, new Set());
        for (const [place, job] of order.entries()) {
          const next = order[place + 1];
          if (next?.owner !== job.owner || next.priority !== job.priority) continue;
          const others = order.slice(place).filter((other) => other.priority === job.priority);
          expect(others.every(({ owner }) => owner === job.owner)).toBe(true);
        }
      }),
    );
  });

  it("prefers the owner with fewer running jobs", () => {
    const jobs = [makeJob({ id: "1" }), makeJob({ id: "2", owner: "ben" })];
    const owners = new Map([
      ["anna", { running: 2, served: 1 }],
      ["ben", { running: 1, served: 2 }],
    ]);
    expect(chooseNext(jobs, owners, new Set())?.job.id).toBe("2");
  });
});

describe("arrange", () => {
  it("is the order in which one worker without a model runs the jobs", () => {
    fc.assert(
      fc.property(someJobs, (jobs) => {
        const owners = new Map<string, OwnerState>();
        const order = arrange(jobs, owners);
        const top = Math.max(...jobs.map(({ priority }) => priority));
        const first = jobs.filter(({ priority }) => priority === top);
        expect(order.slice(0, first.length)).toEqual(runAll(first, new Set()).map(({ id }) => id));
        expect([...order].sort()).toEqual(jobs.map(({ id }) => id).sort());
      }),
    );
  });
});
