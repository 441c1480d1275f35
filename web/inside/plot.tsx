// Plots, drawn by uPlot.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { InsideTexts } from "./texts.js";

type Make = (
  ink: string,
  width: number,
) => { readonly options: uPlot.Options; readonly data: uPlot.AlignedData };

interface PlotProps {
  /** What the plot shows, in words and numbers, for those who do not see it. */
  readonly label: string;
  readonly make: Make;
  readonly texts: InsideTexts;
  /** The values at a place on the axis, from 0, in words. */
  readonly describe: (at: number) => string;
  readonly count: number;
}

/** A plot whose values can be gone through with the pointer and with the arrow keys. */
function Plot({ label, make, texts, describe, count }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const at = useRef(-1);
  const [said, say] = useState("");
  useEffect(() => {
    const { options, data } = make(getComputedStyle(place.current!).color, place.current!.clientWidth);
    const follow = (drawn: uPlot) => {
      const index = drawn.cursor.idx;
      if (index === null || index === undefined) return;
      at.current = index;
      say(describe(index));
    };
    plot.current = new uPlot({ ...options, hooks: { setCursor: [follow] } }, data, place.current!);
    return () => plot.current?.destroy();
  }, [label]);
  const show = (index: number) => {
    const drawn = plot.current!;
    at.current = Math.min(count - 1, Math.max(0, index));
    const left = drawn.valToPos(drawn.data[0]![at.current]!, "x");
    drawn.setCursor({ left, top: drawn.over.clientHeight / 2 });
    say(describe(at.current));
  };
  const moves: Readonly<Record<string, () => number>> = {
    ArrowLeft: () => at.current - 1,
    ArrowRight: () => at.current + 1,
    Home: () => 0,
    End: () => count - 1,
  };
  return (
    <div class="inside-plot">
      <div
        ref={place}
        role="slider"
        aria-label={`${label}. ${texts.plotHelp}`}
        aria-valuemin={0}
        aria-valuemax={count - 1}
        aria-valuenow={Math.max(0, at.current)}
        aria-valuetext={said === "" ? label : said}
        tabIndex={0}
        onKeyDown={(event) => {
          const move = moves[event.key];
          if (!move) return;
          event.preventDefault();
          show(move());
        }}
      />
      <p class="inside-hint">{said === "" ? "\u00a0" : said}</p>
    </div>
  );
}

const axisOf = (ink: string) => ({
  stroke: ink,
  grid: { stroke: "#8884", width: 1 },
  ticks: { show: false },
});

/** Steps are whole numbers. */
const stepAxisOf = (ink: string) => ({ ...axisOf(ink), size: 30, incrs: [1, 2, 5, 10, 20, 50, 100] });

export interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

/** Colours that people with any colour vision tell apart (Okabe and Ito 2008), and dashes that need no colour. */
const inks = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

/** Several lines of values by step, from 1, with their names below. */
export function LinesPlot({
  lines,
  label,
  texts,
}: {
  readonly lines: readonly Line[];
  readonly label: string;
  readonly texts: InsideTexts;
}) {
  const steps = Math.max(0, ...lines.map(({ values }) => values.length));
  const make: Make = (ink, width) => ({
    options: {
      width,
      height: 200,
      title: label,
      legend: { show: lines.length > 1, live: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.05] } },
      axes: [stepAxisOf(ink), { ...axisOf(ink), size: 48 }],
      series: [
        {},
        ...lines.map(({ name }, i) => ({
          label: name,
          stroke: lines.length === 1 ? ink : inks[i % inks.length]!,
          dash: dashes[Math.floor(i / inks.length) % dashes.length]!,
          width: 2,
          points: { show: false },
        })),
      ],
    },
    data: [Array.from({ length: steps }, (_, i) => i + 1), ...lines.map(({ values }) => [...values])],
  });
  const parts = lines.map(
    ({ name, values }) => `${name} ${values.map((value) => value.toFixed(2)).join(" ")}`,
  );
  const describe = (at: number) => {
    const there = lines.map(({ name, values }) => `${name} ${values[at]?.toFixed(2) ?? "–"}`);
    return texts.plotStep(at + 1, there.join(", "));
  };
  return (
    <Plot
      label={`${label}: ${parts.join("; ")}`}
      make={make}
      texts={texts}
      describe={describe}
      count={steps}
    />
  );
}

/** A named value. */
interface Among {
  readonly name: string;
  readonly value: number;
}

/** One value among many on a line: the many are dots, the one is a large dot below them. */
export function AmongPlot({
  value,
  others,
  label,
  description,
  texts,
}: {
  readonly value: number;
  readonly others: readonly Among[];
  readonly label: string;
  readonly description: string;
  readonly texts: InsideTexts;
}) {
  const own = { name: texts.thisOne, value, isOwn: true };
  const sorted = [...others.map((one) => ({ ...one, isOwn: false })), own].sort((a, b) => a.value - b.value);
  const make: Make = (ink, width) => {
    const dots = { width: 0, stroke: ink, points: { show: true, size: 7, fill: ink } };
    return {
      options: {
        width,
        height: 96,
        title: label,
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { time: false }, y: { range: [0, 2] } },
        axes: [{ ...axisOf(ink), size: 30 }, { show: false }],
        series: [
          {},
          { ...dots, points: { ...dots.points, fill: "#8888", stroke: "#888" } },
          { ...dots, points: { ...dots.points, size: 13 } },
        ],
      },
      data: [
        sorted.map((one) => one.value),
        sorted.map(({ isOwn }) => (isOwn ? null : 1.4)),
        sorted.map(({ isOwn }) => (isOwn ? 0.6 : null)),
      ],
    };
  };
  const describe = (at: number) => `${sorted[at]!.name}: ${sorted[at]!.value.toFixed(2)}`;
  return <Plot label={description} make={make} texts={texts} describe={describe} count={sorted.length} />;
}
