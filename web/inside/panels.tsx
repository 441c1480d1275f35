// The questions that people ask of such a picture, each with its answer.
import type { LeftOutWord } from "../../src/inspect/index.js";
import { Spotlight } from "./heat-map.jsx";
import { Figure, formatBytes, Panel, type PanelProps } from "./parts.jsx";
import type { InsideTexts } from "./texts.js";

export function WherePanel({ explanation, texts, gaze }: PanelProps) {
  const { words, leftOut, image, regions } = explanation;
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
      {leftOut.length > 0 && <p>{texts.whereLeftOut}</p>}
      {leftOut.map((one) => (
        <LeftOut key={one.index} one={one} image={image} texts={texts} />
      ))}
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
            <li key={i} title={words.map(({ word, share }) => texts.asText(word, share)).join("\n")}>
              {words[0]?.word}
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
  const { networks, seconds, energy, training } = explanation;
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
      {training && (
        <p>
          {texts.costTraining(
            count.format(training.multiplications),
            training.hours,
            count.format(training.multiplications / all),
          )}
        </p>
      )}
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

export function DevicePanel({ explanation: { device, runtime, devices }, texts, code }: PanelProps) {
  const [used, ...others] = devices;
  const ratio = new Intl.NumberFormat(code, { maximumSignificantDigits: 2 });
  const isTried = others.some(({ state }) => state === "drawn" || state === "absent");
  const states = texts.deviceStates;
  const same = (psnr: number | undefined, most = 0) =>
    psnr === undefined ? "" : most === 0 ? texts.deviceSame : texts.deviceDifferent(most, psnr);
  return (
    <Panel title={texts.device}>
      <p>{texts.deviceText(device, runtime)}</p>
      {devices.length > 1 && (
        <table>
          <thead>
            <tr>
              <th>{texts.deviceName}</th>
              <th>{texts.deviceState}</th>
              <th>{texts.deviceSpeed}</th>
              <th>{texts.devicePicture}</th>
            </tr>
          </thead>
          <tbody>
            {devices.map(({ name, threads, state, seconds, psnr, mostDifferent, reason }, i) => (
              <tr key={i}>
                <td>{threads === undefined ? name : texts.deviceThreads(name, threads)}</td>
                <td title={reason}>{states[state]}</td>
                <td>{seconds && used?.seconds ? `${ratio.format(used.seconds / seconds)}×` : ""}</td>
                <td>{same(psnr, mostDifferent)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!isTried && <p class="inside-hint">{texts.devicePrice(Math.max(0, others.length))}</p>}
    </Panel>
  );
}
