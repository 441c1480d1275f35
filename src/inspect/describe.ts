// Describes a picture by words that are given beforehand: CLIP embeds the picture and every word in a sentence, and the nearest
// words win (zero-shot classification: Radford et al. 2021, arXiv:2103.00020, section 3.1). It chooses, and writes nothing: what
// is in none of the lists cannot be found.
import { NishikiError } from "../errors.js";
import type { InputImage } from "../pipeline/index.js";
import type { WordGroup } from "./describe-words.js";

/** What describes: a CLIP whose embeddings have length 1. */
export interface Describer {
  /** The factor of cosines before a softmax. */
  readonly scale: number;
  embedImages(images: readonly InputImage[]): Promise<readonly Float32Array[]>;
  embedTexts(texts: readonly string[]): Promise<readonly Float32Array[]>;
}

export interface DescribedWord {
  readonly word: string;
  /** Cosine between the picture's embedding and the sentence's, -1 to 1; for good fits, about 0.25 to 0.35. */
  readonly cosine: number;
  /** Its part among the words of its group, 0 to 1: softmax of the cosines times CLIP's factor. */
  readonly share: number;
}

export interface DescribedGroup {
  readonly name: string;
  /** The nearest words first. */
  readonly words: readonly DescribedWord[];
}

export interface PictureDescription {
  /** The nearest word of each group, as a prompt. */
  readonly prompt: string;
  readonly groups: readonly DescribedGroup[];
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Places words in their group's sentence. */
const toSentence = (template: string, word: string) =>
  template.includes("{}") ? template.replace("{}", () => word) : `${template} ${word}`;

function rank(
  words: readonly string[],
  cosines: readonly number[],
  scale: number,
  most: number,
): DescribedWord[] {
  const top = Math.max(...cosines);
  const powers = cosines.map((value) => Math.exp(scale * (value - top)));
  const sum = powers.reduce((a, b) => a + b, 0);
  const all = words.map((word, i) => ({ word, cosine: cosines[i]!, share: powers[i]! / sum }));
  return all.sort((a, b) => b.cosine - a.cosine).slice(0, most);
}

/**
 * Compares a picture with lists of words.
 * @param most Words of each group in the answer.
 * @throws NishikiError "usage" for a group without words
 */
export async function describePicture(
  clip: Describer,
  image: InputImage,
  groups: readonly WordGroup[],
  most = 3,
): Promise<PictureDescription> {
  const empty = groups.find(({ words }) => words.length === 0);
  if (empty)
    throw new NishikiError("usage", `The list of words "${empty.name}" is empty; it needs at least one.`);
  const [picture] = await clip.embedImages([image]);
  const described: DescribedGroup[] = [];
  for (const { name, template, words } of groups) {
    const embeddings = await clip.embedTexts(words.map((word) => toSentence(template, word)));
    const cosines = embeddings.map((embedding) => cosine(picture!, embedding));
    described.push({ name, words: rank(words, cosines, clip.scale, most) });
  }
  return { prompt: described.map(({ words }) => words[0]!.word).join(", "), groups: described };
}

/** How like a picture is to texts. */
export interface ClipScore {
  readonly text: string;
  readonly cosine: number;
  /** 100 · max(cosine, 0), as evaluations of text-to-image models report it (Hessel et al. 2021, arXiv:2104.08718, have 2.5 for 100). */
  readonly score: number;
}

/** Scores a picture against each of some texts, as they are. */
export async function getClipScores(
  clip: Describer,
  image: InputImage,
  texts: readonly string[],
): Promise<ClipScore[]> {
  const [picture] = await clip.embedImages([image]);
  const embeddings = await clip.embedTexts(texts);
  return texts.map((text, i) => {
    const value = cosine(picture!, embeddings[i]!);
    return { text, cosine: value, score: 100 * Math.max(value, 0) };
  });
}
