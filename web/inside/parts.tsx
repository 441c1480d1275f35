// What panels are made of.
import type { ComponentChildren } from "preact";
import type { Explanation, PanelName } from "../../src/inspect/index.js";
import type { Gaze } from "./spine.jsx";
import type { InsideTexts } from "./texts.js";

export interface PanelProps {
  readonly explanation: Explanation;
  readonly texts: InsideTexts;
  readonly code: string;
  readonly gaze: Gaze;
  readonly isRunning: boolean;
}

/** Says that a panel's pictures are still being drawn; nothing once they are there, or were not asked for. */
export function Pending({
  panel,
  explanation: { panels },
  isRunning,
  texts,
}: Pick<PanelProps, "explanation" | "isRunning" | "texts"> & { readonly panel: PanelName }) {
  const run = panels.find((one) => one.panel === panel);
  if (!isRunning || !run || run.seconds !== undefined) return null;
  return <p class="inside-pending">{texts.pending}</p>;
}

/** A value that has more to say than there is room for: by pointing at it, by the keyboard, and for those who listen. */
export const More = ({ text, children }: { readonly text: string; readonly children: ComponentChildren }) => (
  <button type="button" class="inside-more" aria-label={text} data-more={text}>
    {children}
  </button>
);

export const Panel = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) => (
  <section class="inside-panel">
    <h2>{title}</h2>
    {children}
  </section>
);

export const Figure = ({
  src,
  caption,
  children,
}: {
  src?: string;
  caption: string;
  children?: ComponentChildren;
}) => (
  <figure>
    <div class="inside-frame">
      {src !== undefined && <img src={src} alt="" />}
      {children}
    </div>
    <figcaption>{caption}</figcaption>
  </figure>
);

export const formatBytes = (code: string, bytes: number) => {
  const isLarge = bytes >= 1e9;
  const unit = isLarge ? "gigabyte" : "megabyte";
  const format = new Intl.NumberFormat(code, { style: "unit", unit, maximumFractionDigits: 1 });
  return format.format(bytes / (isLarge ? 1e9 : 1e6));
};
