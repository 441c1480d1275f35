// Pictures of a request's group, as plain data.

/** A group of a request: pictures by id, and the weight of each where one was changed. */
export interface Pictures {
  readonly images: readonly string[];
  readonly weights?: readonly number[];
}

/** The most pictures that a request takes in a group. */
const most = 16;

/** Weights as the server takes them: without any, pictures share one. */
export const getWeights = ({ images, weights }: Pictures): readonly number[] =>
  images.map((_, i) => weights?.[i] ?? 1 / images.length);

/** With one picture more; a weight that others were given is like theirs. */
export function withPicture(before: Pictures, id: string): Pictures {
  const { images, weights } = before;
  if (images.includes(id) || images.length >= most) return before;
  const mean = (weights ?? []).reduce((sum, weight) => sum + weight / weights!.length, 0);
  return { ...before, images: [...images, id], ...(weights && { weights: [...weights, mean] }) };
}

export const withWeight = (before: Pictures, index: number, weight: number): Pictures => ({
  ...before,
  weights: getWeights(before).map((own, i) => (i === index ? weight : own)),
});

/** Without a picture; undefined without the last one, and then without the group's other settings. */
export function withoutPicture(before: Pictures, index: number): Pictures | undefined {
  const { images, weights } = before;
  if (images.length <= 1) return undefined;
  const isKept = (_: unknown, i: number) => i !== index;
  return { ...before, images: images.filter(isKept), ...(weights && { weights: weights.filter(isKept) }) };
}
