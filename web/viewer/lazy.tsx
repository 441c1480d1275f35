// The viewer, loaded when it is opened, or when the page has nothing else to do.
import { type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { viewed } from "../store/ui.js";

const Viewer: Signal<ComponentType | undefined> = signal(undefined);

export async function loadViewer(): Promise<void> {
  Viewer.value = (await import("./viewer.jsx")).Viewer;
}

export function LazyViewer() {
  const isOpen = viewed.value !== undefined;
  useEffect(() => {
    if (isOpen && !Viewer.peek()) void loadViewer();
  }, [isOpen]);
  return isOpen && Viewer.value ? <Viewer.value /> : null;
}
