// Where each word went: by attention, by the model's regions, and by leaving the word out.
import type { LeftOutWord } from "../../src/inspect/index.js";
import { Spotlight } from "./heat-map.jsx";
import { Figure, More, Panel, type PanelProps, Pending } from "./parts.jsx";
import type { InsideTexts } from "./texts.js";

export function WherePanel(props: PanelProps) {
  const { explanation, texts, gaze } = props;
  const { words, negativeWords, leftOut, image, regions } = explanation;
  if (words.length === 0) return null;
  return (
    <Panel title={texts.where}>
      <p>{texts.whereText}</p>
      <div class="inside-row">
        {words.map(({ word, index, map, share }) => (
          <button
            key={index}
            type="button"
            class="inside-plain"
            aria-label={texts.asText(word, share)}
            onFocus={() => {
              gaze.word.value = index;
            }}
            onBlur={() => {
              gaze.word.value = -1;
            }}
          >
            <Figure src={image} caption={word}>
              <Spotlight map={map} label={word} />
            </Figure>
          </button>
        ))}
      </div>
      {regions && <Regions regions={regions} image={image} texts={texts} />}
      {negativeWords.length > 0 && (
        <>
          <p>{texts.negativeWords}</p>
          <div class="inside-row">
            {negativeWords.map(({ word, index, map, share }) => (
              <More key={index} text={texts.asText(word, share)}>
                <Figure src={image} caption={word}>
                  <Spotlight map={map} label={word} />
                </Figure>
              </More>
            ))}
          </div>
        </>
      )}
      {leftOut.length > 0 && <p>{texts.whereLeftOut}</p>}
      {leftOut.map((one) => (
        <LeftOut key={one.index} one={one} image={image} texts={texts} />
      ))}
      <Pending panel="leave-out" {...props} />
    </Panel>
  );
}

function Regions({
  regions: { width, cells },
  image,
  texts,
}: {
  readonly regions: NonNullable<PanelProps["explanation"]["regions"]>;
  readonly image: string;
  readonly texts: InsideTexts;
}) {
  return (
    <>
      <p>{texts.regionsText}</p>
      <div class="inside-frame inside-regions">
        <img src={image} alt="" />
        <ol style={{ gridTemplateColumns: `repeat(${width}, 1fr)` }}>
          {cells.map((words, i) => (
            <li key={i}>
              <More text={words.map(({ word, share }) => texts.asText(word, share)).join(", ")}>
                {words[0]?.word}
              </More>
            </li>
          ))}
        </ol>
      </div>
    </>
  );
}

function LeftOut({ one, image, texts }: { one: LeftOutWord; image: string; texts: InsideTexts }) {
  return (
    <div class="inside-left-out">
      <Figure src={one.image} caption={texts.without(one.word)} />
      <Figure src={image} caption={texts.changed(one.word)}>
        <Spotlight map={one.change} label={texts.changed(one.word)} />
      </Figure>
      <p class="inside-hint">{texts.agreement(one.agreement)}</p>
    </div>
  );
}
