// What the model read of the prompt, what each word does, when things are decided, and what guidance exaggerates.
import { Fragment } from "preact";
import { Figure, Panel, type PanelProps, Pending } from "./parts.jsx";
import { LinesPlot } from "./plot.jsx";

/** The tokens with their places, without the marks at the ends of texts and what fills them up. */
const readPieces = (tokens: readonly string[]) =>
  tokens.flatMap((token, at) => (token === "" || /^\[(CLS|SEP|PAD)\]$/.test(token) ? [] : [{ token, at }]));

export function ReadPanel(props: PanelProps) {
  const { explanation, texts } = props;
  const { tokens, tokenRoom, encoded, wordPulls, neighbours } = explanation;
  const pieces = readPieces(tokens);
  /** The text of the encoder that a token is in. */
  const textOf = (at: number) => (tokenRoom === undefined ? 0 : Math.floor(at / tokenRoom));
  const label = texts.wordPullAxis;
  return (
    <Panel title={texts.read}>
      <p>{texts.readText}</p>
      <p class="inside-tokens">
        {pieces.map(({ token, at }, i) => (
          <Fragment key={at}>
            {i > 0 && textOf(at) > textOf(pieces[i - 1]!.at) && (
              <em class="inside-token-end">{texts.tokenEnd(tokenRoom! - 2)}</em>
            )}
            <span>{token}</span>
          </Fragment>
        ))}
      </p>
      {tokenRoom !== undefined && <p class="inside-hint">{texts.tokenCount(pieces.length, tokenRoom - 2)}</p>}
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
          <LinesPlot
            lines={wordPulls.map(({ word, values }) => ({ name: word, values }))}
            label={label}
            texts={texts}
          />
        </>
      )}
      <Pending panel="word-pull" {...props} />
    </Panel>
  );
}

export function WhenPanel(props: PanelProps) {
  const { explanation, texts } = props;
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
      <LinesPlot lines={lines} label={texts.whenAxis} texts={texts} />
      <Pending panel="switch" {...props} />
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

export function GuidancePanel(props: PanelProps) {
  const { explanation, texts, isRunning } = props;
  const { scales, pull, arrows, panels } = explanation;
  const isComing = isRunning && panels.some(({ panel }) => panel === "scales" || panel === "arrow");
  if (scales.length === 0 && arrows.length === 0 && !isComing) return null;
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
      <Pending panel="scales" {...props} />
      {pull && (
        <LinesPlot
          lines={[{ name: texts.pullName, values: pull.values }]}
          label={texts.pullAxis}
          texts={texts}
        />
      )}
    </Panel>
  );
}
