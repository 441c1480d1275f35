// The questions that people ask of such a picture, each with its answer.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Explanation, LeftOutWord } from "../../src/inspect/index.js";
import { Spotlight } from "./heat-map.jsx";
import type { Gaze } from "./spine.jsx";
import type { InsideTexts } from "./texts.js";

export interface PanelProps {
  readonly explanation: Explanation;
  readonly texts: InsideTexts;
  readonly code: string;
  readonly gaze: Gaze;
}

const Panel = ({ title, children }: { readonly title: string; readonly children: ComponentChildren }) => (
  <section class="inside-panel">
    <h2>{title}</h2>
    {children}
  </section>
);

const Figure = ({
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
      {src !== undefined && <img src={src} alt={caption} />}
      {children}
    </div>
    <figcaption>{caption}</figcaption>
  </figure>
);

export function WherePanel({ explanation, texts, gaze }: PanelProps) {
  const { words, leftOut, image } = explanation;
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
      {leftOut.length > 0 && <p>{texts.whereLeftOut}</p>}
      {leftOut.map((one) => (
        <LeftOut key={one.index} one={one} image={image} texts={texts} />
      ))}
    </Panel>
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

/** In dB: a drawing that near to the mean of all seeds differs little from any other. */
const nearlyEqual = 20;

export function AveragePanel({ explanation, texts }: PanelProps) {
  const { seeds, image } = explanation;
  if (!seeds) return null;
  return (
    <Panel title={texts.average}>
      <p>{texts.averageText(seeds.meanToFirstStep, seeds.meanToDrawing)}</p>
      {seeds.meanToDrawing > nearlyEqual && <p>{texts.alike}</p>}
      <div class="inside-row inside-large">
        <Figure src={seeds.first} caption={texts.firstStep} />
        <Figure src={seeds.mean} caption={texts.meanOfSeeds(seeds.images.length)} />
        <Figure src={image} caption={texts.thisOne} />
      </div>
      <div class="inside-row">
        {seeds.images.map(({ seed, image: other }) => (
          <Figure key={seed} src={other} caption={texts.seed(seed)} />
        ))}
      </div>
    </Panel>
  );
}

export function GuidancePanel({ explanation: { scales, pull }, texts }: PanelProps) {
  if (scales.length === 0) return null;
  return (
    <Panel title={texts.guidance}>
      <p>{texts.guidanceText}</p>
      <div class="inside-row">
        {scales.map(({ scale, image }) => (
          <Figure key={scale} src={image} caption={texts.scale(scale)} />
        ))}
      </div>
      {pull && <PullPlot values={pull.values} label={texts.pullAxis} />}
    </Panel>
  );
}

const formatBytes = (code: string, bytes: number) => {
  const isLarge = bytes >= 1e9;
  const unit = isLarge ? "gigabyte" : "megabyte";
  const format = new Intl.NumberFormat(code, { style: "unit", unit, maximumFractionDigits: 1 });
  return format.format(bytes / (isLarge ? 1e9 : 1e6));
};

export function CopyPanel({ explanation, texts, code }: PanelProps) {
  const { files, model, pull } = explanation;
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  return (
    <Panel title={texts.copy}>
      {bytes > 0 && <p>{texts.copyWeights(formatBytes(code, bytes))}</p>}
      <p>{model.isEmbedded ? texts.copyEmbedded : texts.copyPublished}</p>
      {pull && pull.ordinary.length > 0 && <p>{texts.pull(pull.percentile, pull.ordinary.length)}</p>}
    </Panel>
  );
}

function PullPlot({ values, label }: { values: readonly number[]; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const ink = getComputedStyle(place.current!).color;
    const axis = { stroke: ink, grid: { stroke: "#8884", width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: place.current!.clientWidth,
      height: 160,
      title: label,
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.1] } },
      axes: [axis, { ...axis, size: 48 }],
      series: [{}, { stroke: ink, width: 2, points: { show: true } }],
    };
    const plot = new uPlot(options, [values.map((_, i) => i + 1), [...values]], place.current!);
    return () => plot.destroy();
  }, [values]);
  return (
    <div
      ref={place}
      class="inside-plot"
      role="img"
      aria-label={`${label}: ${values.map((v) => v.toFixed(2)).join(", ")}`}
    />
  );
}

export function SearchPanel({ explanation: { files }, texts, code }: PanelProps) {
  return (
    <Panel title={texts.search}>
      <p>{texts.searchText(files.length)}</p>
      <table>
        <thead>
          <tr>
            <th>{texts.file}</th>
            <th>{texts.size}</th>
            <th>SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {files.map(({ name, bytes, sha256 }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{bytes === undefined ? "" : formatBytes(code, bytes)}</td>
              <td>
                <code title={sha256}>{sha256.slice(0, 12)}…</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

export function KnowPanel({ explanation: { skills }, texts, code }: PanelProps) {
  const percent = new Intl.NumberFormat(code, { style: "percent", maximumFractionDigits: 0 });
  const names: Readonly<Record<string, string>> = texts.skillNames;
  const known = (skills ?? []).filter(({ skill }) => names[skill] !== undefined);
  return (
    <Panel title={texts.know}>
      <p>{known.length > 0 ? texts.knowText : texts.knowNothing}</p>
      {known.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>{texts.skill}</th>
              <th>{texts.right}</th>
            </tr>
          </thead>
          <tbody>
            {known.map(({ skill, share }) => (
              <tr key={skill}>
                <td>{names[skill]}</td>
                <td>
                  <meter value={share} aria-label={names[skill]} /> {percent.format(share)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

export function CostPanel({ explanation, texts, code }: PanelProps) {
  const { networks, seconds, energy } = explanation;
  const count = new Intl.NumberFormat(code, {
    notation: "compact",
    compactDisplay: "long",
    maximumSignificantDigits: 3,
  });
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(code, { style: "unit", unit: name, maximumSignificantDigits: 3 }).format(value);
  const all = networks.reduce(
    (sum, { multiplications, evaluations }) => sum + multiplications * evaluations,
    0,
  );
  const how = energy.how === "measured" ? texts.measured : texts.estimated(energy.wattsPerCore ?? 0);
  const wattHours = `${new Intl.NumberFormat(code, { maximumSignificantDigits: 2 }).format(energy.joules / 3600)} Wh`;
  return (
    <Panel title={texts.cost}>
      <p>{texts.costText(count.format(all), unit(seconds, "second"), wattHours, how)}</p>
      <table>
        <thead>
          <tr>
            <th>{texts.network}</th>
            <th>{texts.evaluations}</th>
            <th>{texts.each}</th>
            <th>{texts.sum}</th>
          </tr>
        </thead>
        <tbody>
          {networks.map(({ network, evaluations, multiplications }, i) => (
            <tr key={i}>
              <td>{network}</td>
              <td>{evaluations}</td>
              <td>{count.format(multiplications)}</td>
              <td>{count.format(multiplications * evaluations)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

export const DevicePanel = ({ explanation: { device, runtime }, texts }: PanelProps) => (
  <Panel title={texts.device}>
    <p>{texts.deviceText(device, runtime)}</p>
  </Panel>
);

export function ReadPanel({ explanation: { tokens, encoded }, texts }: PanelProps) {
  const pieces = tokens.filter((token) => token !== "" && !/^\[(CLS|SEP|PAD)\]$/.test(token));
  return (
    <Panel title={texts.read}>
      <p>{texts.readText}</p>
      <p class="inside-tokens">
        {pieces.map((token, i) => (
          <span key={i}>{token}</span>
        ))}
      </p>
      {encoded !== undefined && <p>{texts.encoded(encoded)}</p>}
    </Panel>
  );
}
