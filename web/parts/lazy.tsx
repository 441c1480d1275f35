// A component whose code is loaded when it is drawn for the first time.
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { attempt } from "../store/notices.js";

export function lazy<P extends object>(
  load: () => Promise<{ readonly default: ComponentType<P> }>,
): ComponentType<P> {
  const loaded = signal<ComponentType<P> | undefined>(undefined);
  let isLoading = false;
  const start = () =>
    attempt(async () => {
      const content: { readonly default: ComponentType<P> } | undefined = await load();
      loaded.value = content?.default;
    });
  return function Lazy(props: P) {
    const Content = loaded.value;
    if (Content) return <Content {...props} />;
    if (!isLoading) void start();
    isLoading = true;
    return null;
  };
}
