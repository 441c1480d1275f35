// The sheet of keys: every action that has one, and the keys of the prompt.
import { messages } from "../i18n/index.js";
import { Keys } from "../parts/keys.jsx";
import { type Action, actions } from "./registry.js";

const sections: readonly Action["section"][] = ["draw", "queue", "image", "view", "tools"];

export default function KeysSheet() {
  const texts = messages();
  const inPrompt: readonly (readonly [string, string])[] = [
    ["ctrl+arrowup", texts.weightUp],
    ["ctrl+arrowdown", texts.weightDown],
    ["alt+arrowup", texts.earlierPrompt],
    ["alt+arrowdown", texts.laterPrompt],
    ["alt+arrowleft", texts.partLeft],
    ["alt+arrowright", texts.partRight],
  ];
  const inFeed: readonly (readonly [string, string])[] = [
    ["enter", texts.openImage],
    ["arrowright", texts.nextImage],
    ["arrowleft", texts.previousImage],
  ];
  const inEditor: readonly (readonly [string, string])[] = [
    ["b", texts.brush],
    ["e", texts.eraser],
    ["h", texts.pan],
    ["[", texts.brushSmaller],
    ["]", texts.brushLarger],
    ["ctrl+z", texts.undo],
    ["ctrl+shift+z", texts.redo],
    ["shift+v", texts.invertMask],
    ["shift+f", texts.fillMask],
    ["shift+c", texts.clearMask],
    ["ctrl+0", texts.zoomFit],
    ["ctrl+1", texts.actualSize],
    ["k", texts.keep],
    ["delete", texts.discard],
  ];
  return (
    <div class="keys-sheet" ref={makeScrollable}>
      {sections.map((section) => {
        const rows = actions.value
          .filter((action) => action.section === section && action.keys)
          .map((action) => [action.keys![0]!, action.title(texts)] as const);
        return <Section key={section} title={texts.sections[section]} rows={rows} />;
      })}
      <Section title={texts.prompt} rows={inPrompt} />
      <Section title={texts.feed} rows={inFeed} />
      <Section title={texts.edit} rows={inEditor} />
    </div>
  );
}

/** Without buttons inside, the sheet itself takes the focus, so that the arrow keys scroll it. */
const makeScrollable = (element: HTMLElement | null) =>
  element?.closest(".dialog-content")?.setAttribute("tabindex", "0");

function Section({
  title,
  rows,
}: {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}) {
  if (rows.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {rows.map(([keys, name]) => (
          <div key={keys + name}>
            <dt>{name}</dt>
            <dd>
              <Keys of={keys} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
