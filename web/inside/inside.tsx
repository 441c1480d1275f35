// The view that explains a picture: in the application, and as a page of its own.
import "./inside.css";
import "uplot/dist/uPlot.min.css";
import { useSignal } from "@preact/signals";
import type { Explanation } from "../../src/inspect/index.js";
import { CopyPanel } from "./copy-panel.jsx";
import { AveragePanel, CostPanel, DevicePanel, KnowPanel, SearchPanel, WherePanel } from "./panels.jsx";
import { GuidancePanel, ReadPanel, WhenPanel } from "./prompt-panels.jsx";
import { Spine } from "./spine.jsx";
import { getInsideTexts } from "./texts.js";

const panels = [
  WherePanel,
  AveragePanel,
  WhenPanel,
  CopyPanel,
  SearchPanel,
  KnowPanel,
  CostPanel,
  DevicePanel,
  ReadPanel,
  GuidancePanel,
];

/** @param code The language of the texts. */
export function Inside({ explanation, code }: { readonly explanation: Explanation; readonly code: string }) {
  const texts = getInsideTexts(code);
  const step = useSignal(explanation.stepImages.length - 1);
  const word = useSignal(-1);
  const gaze = { step, word };
  const { model, seed, prompt } = explanation;
  return (
    <article class="inside">
      <header>
        <h1>{texts.title}</h1>
        <p>{texts.lead(prompt)}</p>
        <p class="inside-hint">
          {model.name} {model.version} · {texts.seed(seed)}
        </p>
      </header>
      <Spine explanation={explanation} gaze={gaze} texts={texts} />
      <div class="inside-panels">
        {panels.map((Panel, i) => (
          <Panel key={i} explanation={explanation} texts={texts} code={code} gaze={gaze} />
        ))}
      </div>
    </article>
  );
}
