// Signals that survive a reload, and lists that stay the same. What belongs to everyone lives on the server; here is only what belongs to this browser.
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`nishiki.${key}`) ?? "null");
  } catch {
    return null;
  }
}

/** A signal whose value is kept in the browser. A stored object is laid over the initial one, so new fields have their defaults. */
export function stored<T>(key: string, initial: T): Signal<T> {
  const old = read(key);
  const isObject = typeof initial === "object" && initial !== null && !Array.isArray(initial);
  const value = signal<T>(old === null ? initial : isObject ? { ...initial, ...(old as T) } : (old as T));
  effect(() => {
    const text = JSON.stringify(value.value);
    try {
      localStorage.setItem(`nishiki.${key}`, text);
    } catch {
      // Full or forbidden: the setting lasts until the page is closed.
    }
  });
  return value;
}

/** A computed list that stays the same object while its elements are the same, so that nothing is drawn again. */
export function computedList<T>(compute: () => readonly T[]): ReadonlySignal<readonly T[]> {
  let last: readonly T[] = [];
  return computed(() => {
    const list = compute();
    if (list.length !== last.length || list.some((value, index) => value !== last[index])) last = list;
    return last;
  });
}
