// Names of moving averages: in a run's state and files, `average.NAME` beside the parameter `NAME`.
import type { State } from "./initial-state.js";

const prefix = "average.";

export function averageName(parameter: string): string {
  return `${prefix}${parameter}`;
}

/** Parameter of an average's name; undefined for other names. */
export function averagedParameter(name: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

/**
 * Chooses a run's averages, under their parameters' names. Without averages, chooses all tensors.
 */
export function chooseAverages<T>(tensors: Iterable<readonly [string, T]>): [string, T][] {
  const all = [...tensors].map(([name, tensor]): [string, T] => [name, tensor]);
  const averages = all.flatMap(([name, tensor]): [string, T][] => {
    const parameter = averagedParameter(name);
    return parameter === undefined ? [] : [[parameter, tensor]];
  });
  return averages.length > 0 ? averages : all;
}

/** Averages of a run's state under their parameters' names, as the pipeline reads them. */
export function averagesOf(state: State): State {
  return Object.fromEntries(chooseAverages(Object.entries(state)));
}
