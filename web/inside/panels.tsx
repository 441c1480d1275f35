// The questions that people ask of such a picture, each with its answer.
import { Figure, formatBytes, More, Panel, type PanelProps, Pending } from "./parts.jsx";

/** In dB: a drawing that near to the mean of all seeds differs little from any other. */
const nearlyEqual = 20;

export function AveragePanel(props: PanelProps) {
  const { explanation, texts } = props;
  const { seeds, image, nearest, steps } = explanation;
  if (!seeds)
    return props.isRunning && explanation.panels.some(({ panel }) => panel === "seeds") ? (
      <Panel title={texts.average}>
        <Pending panel="seeds" {...props} />
      </Panel>
    ) : null;
  const { usualDiversity: usual } = seeds;
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
      <p>
        {texts.diversity(seeds.diversity)} {usual && texts.diversityUsual(usual.drawings, usual.scenes)}{" "}
        {nearest && texts.diversityHere(nearest.diversity)}
      </p>
      {seeds.steps < steps && <p class="inside-hint">{texts.seedSteps(seeds.steps, steps)}</p>}
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
            <th>{texts.fileAfter}</th>
          </tr>
        </thead>
        <tbody>
          {files.map(({ name, bytes, sha256, after }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{bytes === undefined ? "" : formatBytes(code, bytes)}</td>
              <td>
                <More text={sha256}>
                  <code>{sha256.slice(0, 12)}…</code>
                </More>
              </td>
              <td>{after === undefined ? "" : after === sha256 ? texts.fileSame : texts.fileChanged}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

export function KnowPanel({ explanation, texts, code }: PanelProps) {
  const { skills } = explanation;
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
      <Cells explanation={explanation} texts={texts} />
    </Panel>
  );
}

/** How many cells of the latents each word has. */
function Cells({ explanation, texts }: Pick<PanelProps, "explanation" | "texts">) {
  const { latents, words, height } = explanation;
  if (!latents || words.length === 0) return null;
  return (
    <>
      <p>{texts.cellsText(latents.height, latents.width, Math.round(height / latents.height))}</p>
      <table>
        <thead>
          <tr>
            <th>{texts.word}</th>
            <th>{texts.cells}</th>
          </tr>
        </thead>
        <tbody>
          {words.map(({ word, index, cells }) => (
            <tr key={index}>
              <td>{word}</td>
              <td>
                <meter value={cells} max={latents.height * latents.width} aria-label={word} /> {cells}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function CostPanel({ explanation, texts, code }: PanelProps) {
  const { networks, seconds, energy, training, panels } = explanation;
  const drawn = panels.filter((run) => run.price && run.seconds !== undefined);
  const total = (of: (run: (typeof drawn)[number]) => number) => drawn.reduce((sum, run) => sum + of(run), 0);
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
      {drawn.length > 0 && (
        <p>
          {texts.forecastText(
            unit(
              total((run) => run.price!.seconds),
              "second",
            ),
            unit(
              total((run) => run.seconds!),
              "second",
            ),
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
                <td>{reason === undefined ? states[state] : <More text={reason}>{states[state]}</More>}</td>
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
