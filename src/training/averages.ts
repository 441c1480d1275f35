// Moving averages by name: in a run's state and files they stand beside the parameters, as `average.NAME`.
import type { State } from "./initial-state.js";

const prefix = "average.";

export function averageName(parameter: string): string {
  return `${prefix}${parameter}`;
}

/** The parameter whose average bears this name, if it is an average's name. */
export function averagedParameter(name: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

/**
 * Of a run's tensors the averages, which its model draws with, under their parameters' names; of other files
 * all.
 */
export function chooseAverages<T>(tensors: Iterable<readonly [string, T]>): [string, T][] {
  const all = [...tensors].map(([name, tensor]): [string, T] => [name, tensor]);
  const averages = all.flatMap(([name, tensor]): [string, T][] => {
    const parameter = averagedParameter(name);
    return parameter === undefined ? [] : [[parameter, tensor]];
  });
  return averages.length > 0 ? averages : all;
}

/** The averages of a run's state under their parameters' names, as the pipeline reads them. */
export function averagesOf(state: State): State {
  return Object.fromEntries(chooseAverages(Object.entries(state)));
}
