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
      axes: [axisOf(ink), { ...axisOf(ink), size: 48 }],
      series: [{}, { stroke: ink, width: 2, points: { show: true } }],
    },
    data: [values.map((_, i) => i + 1), [...values]],
  });
  return <Plot label={`${label}: ${values.map((value) => value.toFixed(2)).join(", ")}`} make={make} />;
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
        axes: [axisOf(ink), { show: false }],
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
