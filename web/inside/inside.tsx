// The view that explains a picture: in the application, where panels appear as they are found, and as a page of its own.
import "./inside.css";
import "uplot/dist/uPlot.min.css";
import { useSignal } from "@preact/signals";
import type { Explanation } from "../../src/inspect/index.js";
import { CopyPanel } from "./copy-panel.jsx";
import { AveragePanel, CostPanel, DevicePanel, KnowPanel, SearchPanel } from "./panels.jsx";
import { GuidancePanel, ReadPanel, WhenPanel } from "./prompt-panels.jsx";
import { Spine } from "./spine.jsx";
import { getInsideTexts } from "./texts.js";
import { WherePanel } from "./where-panel.jsx";

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

interface InsideProps {
  /** Of an explanation that is being made, what is known so far. */
  readonly explanation: Explanation;
  /** The language of the texts. */
  readonly code: string;
  readonly isRunning?: boolean;
  /** Saves it as one file. */
  readonly onSave?: () => void;
}

export function Inside({ explanation, code, isRunning = false, onSave }: InsideProps) {
  const texts = getInsideTexts(code);
  // Beyond all steps: the finished picture, however many steps turn out to be there.
  const step = useSignal(Number.POSITIVE_INFINITY);
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
          {onSave && (
            <>
              {" · "}
              <button type="button" class="inside-link" onClick={onSave}>
                {texts.savePage}
              </button>
            </>
          )}
        </p>
      </header>
      <Spine explanation={explanation} gaze={gaze} texts={texts} />
      <div class="inside-panels">
        {panels.map((Panel, i) => (
          <Panel
            key={i}
            explanation={explanation}
            texts={texts}
            code={code}
            gaze={gaze}
            isRunning={isRunning}
          />
        ))}
      </div>
    </article>
  );
}
