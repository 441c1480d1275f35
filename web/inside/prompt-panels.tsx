// What the model read of the prompt, what each word does, when things are decided, and what guidance exaggerates.
import { Figure, Panel, type PanelProps } from "./parts.jsx";
import { LinePlot, LinesPlot } from "./plot.jsx";

export function ReadPanel({ explanation, texts }: PanelProps) {
  const { tokens, encoded, wordPulls, neighbours } = explanation;
  const pieces = tokens.filter((token) => token !== "" && !/^\[(CLS|SEP|PAD)\]$/.test(token));
  const label = texts.wordPullAxis;
  return (
    <Panel title={texts.read}>
      <p>{texts.readText}</p>
      <p class="inside-tokens">
        {pieces.map((token, i) => (
          <span key={i}>{token}</span>
        ))}
      </p>
      {encoded !== undefined && <p>{texts.encoded(encoded)}</p>}
      {neighbours.length > 0 && (
        <p>
          {neighbours.map(({ word, names }) => texts.neighbours(word, names.join(", "))).join(" ")}{" "}
          {texts.neighboursText}
        </p>
      )}
      {wordPulls.length > 0 && (
        <>
          <p>{texts.wordPullText}</p>
          <LinesPlot lines={wordPulls.map(({ word, values }) => ({ name: word, values }))} label={label} />
        </>
      )}
    </Panel>
  );
}

export function WhenPanel({ explanation, texts }: PanelProps) {
  const { settled, switched, image } = explanation;
  if (settled.length < 2) return null;
  const lines = [
    { name: texts.structure, values: settled.map(({ structure }) => structure) },
    { name: texts.detail, values: settled.map(({ detail }) => detail) },
  ];
  const half = (values: readonly number[]) => values.findIndex((value) => value >= 0.9) + 1;
  return (
    <Panel title={texts.when}>
      <p>{texts.whenText(half(lines[0]!.values), half(lines[1]!.values), settled.length)}</p>
      <LinesPlot lines={lines} label={texts.whenAxis} />
      {switched && (
        <>
          <p>{texts.switchText(switched.word)}</p>
          <div class="inside-row">
            <Figure src={image} caption={texts.switchNever} />
            {switched.images.map((one) => (
              <Figure key={one.step} src={one.image} caption={texts.switchStep(one.step, switched.steps)} />
            ))}
          </div>
        </>
      )}
    </Panel>
  );
}

export function GuidancePanel({ explanation: { scales, pull, arrows }, texts }: PanelProps) {
  if (scales.length === 0 && arrows.length === 0) return null;
  const name = (scale: number) =>
    scale === 0 ? texts.arrowWithout : scale === 1 ? texts.arrowWith : texts.scale(scale);
  return (
    <Panel title={texts.guidance}>
      <p>{texts.guidanceText}</p>
      {arrows.map(({ step, images }) => (
        <div key={step}>
          <p class="inside-hint">{texts.arrowText(step)}</p>
          <div class="inside-row inside-arrow">
            {images.map(({ scale, image }) => (
              <Figure key={scale} src={image} caption={name(scale)} />
            ))}
          </div>
        </div>
      ))}
      {scales.length > 0 && (
        <>
          <p>{texts.scalesText}</p>
          <div class="inside-row">
            {scales.map(({ scale, image }) => (
              <Figure key={scale} src={image} caption={texts.scale(scale)} />
            ))}
          </div>
        </>
      )}
      {pull && <LinePlot values={pull.values} label={texts.pullAxis} />}
    </Panel>
  );
}
