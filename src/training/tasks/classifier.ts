// The classifier's objective: the cross-entropy of each question that a scene answers.

import {
  type LabelClasses,
  labelClasses,
  labelsOf,
  type Question,
  questionNames,
  questions,
  questionViews,
  type SceneContent,
} from "../../data/index.js";
import type { HostTensors } from "../../engine/index.js";
import {
  add,
  gatherElements,
  logSoftmax,
  mul,
  neg,
  reshape,
  slice,
  sum,
  type Tensor,
} from "../../graph/index.js";
import {
  type ClassifierConfig,
  type ClassifierQuestion,
  classify,
  pixelsFromBytes,
} from "../../models/index.js";
import type { Objective } from "../step-program.js";

/** The questions about scenes, with the sizes of their outputs. */
export function getClassifierQuestions(
  classes: LabelClasses,
): Readonly<Record<Question, ClassifierQuestion>> {
  const rows = questionNames.map((name): [Question, ClassifierQuestion] => {
    const head = questions[name];
    return [name, { classes: classes[head].length, view: questionViews[name], head }];
  });
  return Object.fromEntries(rows) as Record<Question, ClassifierQuestion>;
}

/**
 * Cross-entropy, summed over questions and averaged over images. Inputs: `pixels [batch, size, size, 3]`
 * bytes, `labels [batch, questions]`, and the mask `asked [batch, questions]`, 1 where an image answers a
 * question, else 0.
 */
export function classifierObjective(config: ClassifierConfig, batch: number): Objective {
  const { pictureSize: size } = config;
  return (tracer) => {
    const bytes = tracer.input("pixels", [batch, size, size, 3], "u8");
    const labels = tracer.input("labels", [batch, questionNames.length], "i64");
    const asked = tracer.input("asked", [batch, questionNames.length]);
    const { answers } = classify(
      tracer.scope(),
      pixelsFromBytes(bytes),
      config,
      getClassifierQuestions(labelClasses),
    );
    const column = (from: Tensor, i: number) => slice(from, 1, i, i + 1);
    const losses = questionNames.map((question, i) => {
      const right = gatherElements(logSoftmax(answers[question]), column(labels, i), 1); // [batch, 1]
      return mul(neg(sum(mul(right, column(asked, i)))), 1 / batch);
    });
    const loss = losses.reduce((total, each) => add(total, each));
    return { loss: reshape(loss, []), metrics: { thing: losses[0]!, colour: losses[1]!, style: losses[4]! } };
  };
}

/** Images `[size, size, 3]` and their contents as the objective's inputs. */
export function classifierBatch(
  images: readonly { readonly pixels: Uint8Array; readonly content: SceneContent }[],
  size: number,
): HostTensors {
  const batch = images.length;
  const each = size * size * 3;
  const pixels = new Uint8Array(batch * each);
  const width = questionNames.length;
  const labels = new BigInt64Array(batch * width);
  const asked = new Float32Array(batch * width);
  for (const [row, { pixels: bytes, content }] of images.entries()) {
    pixels.set(bytes, row * each);
    const right = labelsOf(content);
    for (const [column, question] of questionNames.entries()) {
      const answer = right[question];
      if (answer === null) continue;
      const classes: readonly string[] = labelClasses[questions[question]];
      labels[row * width + column] = BigInt(classes.indexOf(answer));
      asked[row * width + column] = 1;
    }
  }
  return {
    pixels: { dtype: "u8", shape: [batch, size, size, 3], data: pixels },
    labels: { dtype: "i64", shape: [batch, width], data: labels },
    asked: { dtype: "f32", shape: [batch, width], data: asked },
  };
}
