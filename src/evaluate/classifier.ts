// Loads a trained classifier and classifies images with it.

import { openWeights } from "../checkpoint/node.js";
import { type LabelClasses, type Question, questionNames, questions } from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { trace } from "../graph/index.js";
import { classify, pixelsFromBytes } from "../models/index.js";
import { getClassifierQuestions, openClassifierFile, packagedClassifier } from "../training/index.js";

/** The classifier's answers for one image. */
export interface Verdict {
  /** Probability of each answer, in the order of the classes. */
  readonly answers: Readonly<Record<Question, Float32Array>>;
  /** For distances between images. */
  readonly features: Float32Array;
}

export interface Classifier {
  readonly pictureSize: number;
  readonly classes: LabelClasses;
  readonly sha256: string;
  /** @param images `[pictureSize, pictureSize, 3]` bytes each */
  classify(images: readonly Uint8Array[]): Promise<Verdict[]>;
  close(): Promise<void>;
}

/** Loads the folder that a classifier's run wrote. @throws NishikiError "file", "checkpoint" */
export async function openClassifier(
  engine: Engine,
  folder: string = packagedClassifier,
): Promise<Classifier> {
  const { sha256, config, classes, path } = await openClassifierFile(folder);
  const { pictureSize: size } = config;
  const program = trace((tracer) => {
    const pixels = pixelsFromBytes(tracer.input("pixels", ["batch", size, size, 3], "u8"));
    const { answers, features } = classify(tracer.scope(), pixels, config, getClassifierQuestions(classes));
    return { ...answers, features };
  });
  const session = await engine.load(program, { weights: await openWeights(path) });
  const run = async (images: readonly Uint8Array[]): Promise<Verdict[]> => {
    const pixels = new Uint8Array(images.length * size * size * 3);
    for (const [i, image] of images.entries()) pixels.set(image, i * size * size * 3);
    const shape = [images.length, size, size, 3];
    const outputs = await session.run({ pixels: { dtype: "u8", shape, data: pixels } });
    const row = (name: string, i: number) => {
      const { data, shape } = outputs[name]!;
      return (data as Float32Array).slice(i * shape[1]!, (i + 1) * shape[1]!);
    };
    return images.map((_, i) => ({
      answers: Object.fromEntries(
        questionNames.map((name) => [name, softmax(row(name, i))]),
      ) as Verdict["answers"],
      features: row("features", i),
    }));
  };
  return {
    pictureSize: size,
    classes,
    sha256,
    // One image at a time, so that a verdict never depends on the other images.
    classify: async (images) => {
      const verdicts: Verdict[] = [];
      for (const image of images) verdicts.push(...(await run([image])));
      return verdicts;
    },
    close: () => session.close(),
  };
}

function softmax(logits: Float32Array): Float32Array {
  const most = Math.max(...logits);
  const raised = logits.map((value) => Math.exp(value - most));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / sum);
}

/** Index of an answer among a question's classes; -1 if the classifier does not know it. */
export function classOf(classes: LabelClasses, question: Question, answer: string): number {
  const names: readonly string[] = classes[questions[question]];
  return names.indexOf(answer);
}
