// Noise on a condition, so that images of one prompt differ more: CADS, condition-annealed diffusion sampling (Sadat et al.
// 2023, arXiv 2310.17347, algorithm 1).

/** How condition noise is annealed; the names are the paper's. */
export interface ConditionAnnealing {
  /** The noise's deviation, in units of the condition's own. */
  readonly scale: number;
  /** Times, from 1 (the first step) down to 0: no noise from tau1 on, only noise before tau2. */
  readonly tau1: number;
  readonly tau2: number;
  /** How far to give the noisy condition the mean and the deviation that it had, 0 to 1 (psi). */
  readonly mixing: number;
}

/** The share of the condition's variance that remains at a time (gamma): 0 above tau2, 1 below tau1, linear between. */
export function getConditionShare(
  time: number,
  { tau1, tau2 }: Pick<ConditionAnnealing, "tau1" | "tau2">,
): number {
  if (time <= tau1) return 1;
  return time >= tau2 ? 0 : (tau2 - time) / (tau2 - tau1);
}

/**
 * Mixes noise into a condition: sqrt(share)·y + scale·std(y)·sqrt(1 - share)·noise, then restores mean and deviation.
 * The paper's noise is in units of 1, which is about the deviation of CLIP's states; other encoders have others.
 * @param noise Standard normals, one for each number of the condition.
 * @param isUsed Which numbers belong to the condition; the others, such as padding, stay as they are. Default: all.
 */
export function addConditionNoise(
  condition: Float32Array,
  share: number,
  { scale, mixing }: Pick<ConditionAnnealing, "scale" | "mixing">,
  noise: Float32Array,
  isUsed: (index: number) => boolean = () => true,
): Float32Array {
  if (share >= 1) return condition;
  const before = getMoments(condition, isUsed);
  if (before.count === 0) return condition;
  const [kept, added] = [Math.sqrt(share), scale * before.std * Math.sqrt(1 - share)];
  const mixed = condition.map((value, i) => (isUsed(i) ? kept * value + added * noise[i]! : value));
  const after = getMoments(mixed, isUsed);
  if (after.std === 0) return mixed;
  return mixed.map((value, i) => {
    if (!isUsed(i)) return value;
    const restored = ((value - after.mean) / after.std) * before.std + before.mean;
    return mixing * restored + (1 - mixing) * value;
  });
}

function getMoments(values: Float32Array, isUsed: (index: number) => boolean) {
  let [count, sum, squares] = [0, 0, 0];
  values.forEach((value, i) => {
    if (!isUsed(i)) return;
    count++;
    sum += value;
  });
  const mean = count === 0 ? 0 : sum / count;
  values.forEach((value, i) => {
    if (isUsed(i)) squares += (value - mean) ** 2;
  });
  return { count, mean, std: count === 0 ? 0 : Math.sqrt(squares / count) };
}
