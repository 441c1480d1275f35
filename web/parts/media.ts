// What the screen is like, as signals.
import { type ReadonlySignal, signal } from "@preact/signals";

function matches(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const value = signal(list.matches);
  list.addEventListener("change", () => {
    value.value = list.matches;
  });
  return value;
}

/** A phone's layout: the prompt bar below, sheets from below. Styles use the same width. */
export const isNarrow = matches("(width < 50rem)");
export const prefersLessMotion = matches("(prefers-reduced-motion: reduce)");

/** Changes the page with a view transition where the browser has one and motion is welcome. */
export function transition(change: () => void): void {
  if (prefersLessMotion.peek() || !document.startViewTransition) change();
  else document.startViewTransition(change);
}
