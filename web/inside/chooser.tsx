// What looking inside costs, panel by panel: told before anything is drawn, so that one can choose.
import { useEffect, useState } from "preact/hooks";
import type { PanelName } from "../../src/inspect/index.js";
import { api } from "../api/client.js";
import type { ExplanationForecast, StoredImage } from "../api/types.js";
import { formatBytes, formatSeconds, language } from "../i18n/index.js";
import { attempt } from "../store/notices.js";
import { type Amount, allPanels, few, full } from "./amount.js";
import { getInsideTexts, type InsideTexts } from "./texts.js";

type Forecast = NonNullable<ExplanationForecast["forecast"]>;

/** Panels of which more or less may be drawn: the amount that says how much, and its most. */
const counted: Readonly<
  Partial<Record<PanelName, readonly ["otherSeeds" | "leaveOut" | "ordinary", number]>>
> = {
  pull: ["ordinary", 24],
  "leave-out": ["leaveOut", 20],
  seeds: ["otherSeeds", 63],
};

interface ChooserProps {
  readonly image: StoredImage;
  /** Panels that are there already. */
  readonly known?: readonly PanelName[];
  readonly start: (amount: Amount) => unknown;
}

export function Chooser({ image, known = [], start }: ChooserProps) {
  const texts = getInsideTexts(language.value);
  const [chosen, setChosen] = useState<readonly PanelName[]>(known.length > 0 ? [] : few);
  const [amount, setAmount] = useState<Amount>({ ...full, panels: allPanels });
  const [forecast, setForecast] = useState<Forecast | null | undefined>(undefined);
  const { otherSeeds, leaveOut, ordinary } = amount;
  useEffect(() => {
    void attempt(async () => {
      const request = { image: image.id, ...amount, panels: [...amount.panels], scales: [...amount.scales] };
      setForecast((await api.forecastExplanation(request)).forecast);
    });
  }, [otherSeeds, leaveOut, ordinary]);
  const panels = allPanels.filter((panel) => panel === "drawing" || !known.includes(panel));
  const offered = panels.filter((panel) => !forecast || forecast.panels.some((one) => one.panel === panel));
  const isChosen = (panel: PanelName) => panel === "drawing" || chosen.includes(panel);
  const toggle = (panel: PanelName) =>
    setChosen(isChosen(panel) ? chosen.filter((one) => one !== panel) : [...chosen, panel]);
  return (
    <form
      class="inside-chooser"
      onSubmit={(event) => {
        event.preventDefault();
        void start({ ...amount, panels: offered.filter(isChosen) });
      }}
    >
      <h2>{known.length > 0 ? texts.chooseMore : texts.choose}</h2>
      <p>{texts.chooseText}</p>
      <ul>
        {offered.map((panel) => (
          <li key={panel}>
            <label>
              <input
                type="checkbox"
                checked={isChosen(panel)}
                disabled={panel === "drawing"}
                onChange={() => toggle(panel)}
              />{" "}
              {panel === "drawing" && known.length > 0 ? texts.drawingAgain : texts.panelTitles[panel]}
            </label>
            <Count panel={panel} amount={amount} setAmount={setAmount} texts={texts} />
            <PanelPrice panel={panel} forecast={forecast} texts={texts} />
          </li>
        ))}
      </ul>
      <Sum forecast={forecast} isChosen={isChosen} texts={texts} />
      <button type="submit" class="button" disabled={known.length > 0 && chosen.length === 0}>
        {texts.look}
      </button>
    </form>
  );
}

function Count({
  panel,
  amount,
  setAmount,
  texts,
}: {
  readonly panel: PanelName;
  readonly amount: Amount;
  readonly setAmount: (amount: Amount) => void;
  readonly texts: InsideTexts;
}) {
  const [field, most] = counted[panel] ?? [];
  if (field === undefined || most === undefined) return <span />;
  return (
    <input
      type="number"
      min={1}
      max={most}
      value={amount[field]}
      aria-label={texts.howMany(texts.panelTitles[panel])}
      onChange={(event) => {
        const value = Math.round(Number(event.currentTarget.value));
        if (value >= 1 && value <= most) setAmount({ ...amount, [field]: value });
        else event.currentTarget.value = String(amount[field]);
      }}
    />
  );
}

function PanelPrice({
  panel,
  forecast,
  texts,
}: {
  readonly panel: PanelName;
  readonly forecast: Forecast | null | undefined;
  readonly texts: InsideTexts;
}) {
  const price = forecast?.panels.find((one) => one.panel === panel);
  if (!price) return <span class="inside-hint">{forecast === undefined ? "…" : ""}</span>;
  const { drawings, seconds, bytes } = price;
  return <span class="inside-hint">{texts.price(drawings, formatSeconds(seconds), formatBytes(bytes))}</span>;
}

function Sum({
  forecast,
  isChosen,
  texts,
}: {
  readonly forecast: Forecast | null | undefined;
  readonly isChosen: (panel: PanelName) => boolean;
  readonly texts: InsideTexts;
}) {
  if (!forecast) return <p role="status">{forecast === undefined ? texts.pricing : texts.noPrice}</p>;
  const { panels, memory } = forecast;
  const chosen = panels.filter(({ panel }) => isChosen(panel));
  const seconds = chosen.reduce((sum, one) => sum + one.seconds, 0);
  const bytes = Math.max(...chosen.map((one) => one.bytes));
  return (
    <p role="status">
      {texts.priceSum(formatSeconds(seconds), formatBytes(bytes))}.{" "}
      {!chosen.every(({ isMeasured }) => isMeasured) && texts.priceGuess}{" "}
      {bytes > memory.free && <strong>{texts.priceShort(formatBytes(memory.free))}</strong>}
    </p>
  );
}
