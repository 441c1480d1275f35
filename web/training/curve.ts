// The loss of a training run as a curve: single losses jump, so a running mean is drawn over them.

export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** Adds a point; a step that is reported again (after a resume) replaces what came after it. */
export function addPoint(points: readonly LossPoint[], point: LossPoint): readonly LossPoint[] {
  if (!Number.isFinite(point.loss) || points.at(-1)?.step === point.step) return points;
  const last = points.at(-1);
  const kept = last && last.step > point.step ? points.filter(({ step }) => step < point.step) : points;
  return [...kept, point];
}

/** The running mean over about a twentieth of the run. */
export function smooth(points: readonly LossPoint[]): readonly LossPoint[] {
  const share = Math.min(1, 2 / (points.length / 20 + 1));
  let mean = points[0]?.loss ?? 0;
  return points.map(({ step, loss }) => {
    mean += (loss - mean) * share;
    return { step, loss: mean };
  });
}

export interface CurveBox {
  readonly width: number;
  readonly height: number;
  /** Steps of the whole run: the curve grows into the box. */
  readonly steps: number;
}

/** The highest loss that the box shows: outliers above it are cut, so that the curve keeps its shape. */
function topOf(points: readonly LossPoint[]): number {
  const sorted = points.map(({ loss }) => loss).sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) * 0.98)] ?? 1) * 1.05 || 1;
}

/** SVG path of the points; "" without any. All curves of a box use the scale of `all`. */
export function getPath(
  points: readonly LossPoint[],
  { width, height, steps }: CurveBox,
  all: readonly LossPoint[] = points,
): string {
  const top = topOf(all);
  const most = Math.max(steps, all.at(-1)?.step ?? 0, 1);
  const at = ({ step, loss }: LossPoint) => {
    const x = (step / most) * width;
    const y = height - (Math.min(loss, top) / top) * height;
    return `${Number(x.toFixed(1))},${Number(y.toFixed(1))}`;
  };
  return points.length === 0 ? "" : `M${points.map(at).join("L")}`;
}
