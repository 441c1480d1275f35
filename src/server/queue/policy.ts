// Whose turn it is. Higher priorities run first. Within a priority, owners take turns: first those with the fewest running
// jobs, then the one that has waited longest, so that nobody's hundred jobs hold up another's one. An owner's own jobs run
// in their order, except that jobs of a model in memory may overtake, since loading a model costs many seconds.

/** A job's overtaking ends here: at most this many later jobs of its owner run before it. */
export const overtakeLimit = 4;

/** How far behind an owner's first job a worker looks for one of a model in memory. */
export const lookAhead = 32;

export interface Waiting {
  readonly id: string;
  readonly owner: string;
  readonly priority: number;
  /** Order among the owner's jobs. */
  readonly position: number;
  readonly model: string;
  /** How many later jobs ran before it. */
  readonly overtaken: number;
}

export interface OwnerState {
  readonly running: number;
  /** Counts upwards; the owner with the smallest number has waited longest. */
  readonly served: number;
}

const newcomer: OwnerState = { running: 0, served: 0 };

const byOrder = (a: Waiting, b: Waiting) =>
  b.priority - a.priority || a.position - b.position || (a.id < b.id ? -1 : 1);

/** Orders owners by whose turn it is. */
function compareOwners(owners: ReadonlyMap<string, OwnerState>) {
  return (a: string, b: string) => {
    const [first, second] = [owners.get(a) ?? newcomer, owners.get(b) ?? newcomer];
    return first.running - second.running || first.served - second.served || (a < b ? -1 : 1);
  };
}

function groupByOwner(jobs: readonly Waiting[]): Map<string, Waiting[]> {
  const groups = new Map<string, Waiting[]>();
  for (const job of jobs) {
    const group = groups.get(job.owner);
    if (group) group.push(job);
    else groups.set(job.owner, [job]);
  }
  return groups;
}

export interface Choice {
  readonly job: Waiting;
  /** The jobs that it overtakes. */
  readonly overtakes: readonly Waiting[];
}

/**
 * The job to run next.
 * @param waiting Candidates; those of the highest priority decide, and `lookAhead` of each owner are enough.
 * @param loaded Models in the worker's memory.
 */
export function chooseNext(
  waiting: readonly Waiting[],
  owners: ReadonlyMap<string, OwnerState>,
  loaded: ReadonlySet<string>,
): Choice | undefined {
  const sorted = [...waiting].sort(byOrder);
  const top = sorted.filter(({ priority }) => priority === sorted[0]!.priority);
  const groups = groupByOwner(top);
  const [owner] = [...groups.keys()].sort(compareOwners(owners));
  if (owner === undefined) return undefined;
  const jobs = groups.get(owner)!;
  const overtakes: Waiting[] = [];
  for (const job of jobs) {
    if (loaded.has(job.model)) return { job, overtakes };
    if (job.overtaken >= overtakeLimit) break;
    overtakes.push(job);
  }
  return { job: jobs[0]!, overtakes: [] };
}

/** The order in which one worker would run all jobs, as far as it can be known: loaded models are left out. */
export function arrange(waiting: readonly Waiting[], owners: ReadonlyMap<string, OwnerState>): string[] {
  const sorted = [...waiting].sort(byOrder);
  const order: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    const { priority } = sorted[from]!;
    let to = from;
    while (to < sorted.length && sorted[to]!.priority === priority) to++;
    const groups = groupByOwner(sorted.slice(from, to));
    const turns = [...groups.keys()].sort(compareOwners(owners)).map((owner) => groups.get(owner)!);
    for (let round = 0; order.length < to; round++)
      for (const jobs of turns) if (round < jobs.length) order.push(jobs[round]!.id);
    from = to;
  }
  return order;
}
