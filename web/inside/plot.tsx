// Plots, drawn by uPlot.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

type Make = (
  ink: string,
  width: number,
) => { readonly options: uPlot.Options; readonly data: uPlot.AlignedData };

/** @param label What the plot shows, in words and numbers, for those who do not see it. */
function Plot({ label, make }: { readonly label: string; readonly make: Make }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { options, data } = make(getComputedStyle(place.current!).color, place.current!.clientWidth);
    const plot = new uPlot(options, data, place.current!);
    return () => plot.destroy();
  }, [label]);
  return <div ref={place} class="inside-plot" role="img" aria-label={label} />;
}

const axisOf = (ink: string) => ({
  stroke: ink,
  grid: { stroke: "#8884", width: 1 },
  ticks: { show: false },
});

/** Steps are whole numbers. */
const stepAxisOf = (ink: string) => ({ ...axisOf(ink), size: 30, incrs: [1, 2, 5, 10, 20, 50, 100] });

/** Values by step, from 1. */
export function LinePlot({ values, label }: { readonly values: readonly number[]; readonly label: string }) {
  const make: Make = (ink, width) => ({
    options: {
      width,
      height: 160,
      title: label,
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.1] } },
      axes: [stepAxisOf(ink), { ...axisOf(ink), size: 48 }],
      series: [{}, { stroke: ink, width: 2, points: { show: true } }],
    },
    data: [values.map((_, i) => i + 1), [...values]],
  });
  return <Plot label={`${label}: ${values.map((value) => value.toFixed(2)).join(", ")}`} make={make} />;
}

export interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

/** Colours that people with any colour vision tell apart (Okabe and Ito 2008), and dashes that need no colour. */
const inks = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

/** Several lines of values by step, from 1, with their names below. */
export function LinesPlot({ lines, label }: { readonly lines: readonly Line[]; readonly label: string }) {
  const steps = Math.max(0, ...lines.map(({ values }) => values.length));
  const make: Make = (ink, width) => ({
    options: {
      width,
      height: 200,
      title: label,
      legend: { show: true, live: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.05] } },
      axes: [stepAxisOf(ink), { ...axisOf(ink), size: 48 }],
      series: [
        {},
        ...lines.map(({ name }, i) => ({
          label: name,
          stroke: inks[i % inks.length]!,
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
  return <Plot label={`${label}: ${parts.join("; ")}`} make={make} />;
}

/** One value among many on a line: the many are dots, the one is a diamond below them. */
export function AmongPlot({
  value,
  others,
  label,
  description,
}: {
  readonly value: number;
  readonly others: readonly number[];
  readonly label: string;
  readonly description: string;
}) {
  const make: Make = (ink, width) => {
    const all = [...others.map((x) => [x, 1.4, null] as const), [value, null, 0.6] as const];
    const sorted = all.sort((a, b) => a[0] - b[0]);
    const dots = { width: 0, stroke: ink, points: { show: true, size: 7, fill: ink } };
    return {
      options: {
        width,
        height: 96,
        title: label,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: [0, 2] } },
        axes: [{ ...axisOf(ink), size: 30 }, { show: false }],
        series: [
          {},
          { ...dots, points: { ...dots.points, fill: "#8888", stroke: "#888" } },
          { ...dots, points: { ...dots.points, size: 13 } },
        ],
      },
      data: [sorted.map(([x]) => x), sorted.map(([, y]) => y), sorted.map(([, , y]) => y)],
    };
  };
  return <Plot label={description} make={make} />;
}
