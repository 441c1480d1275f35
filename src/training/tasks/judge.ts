// The judge's objective: the cross-entropy of every question that a scene answers.

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
import { type JudgeConfig, type JudgeQuestion, judge, pixelsFromBytes } from "../../models/index.js";
import type { Objective } from "../step-program.js";

/** What a judge of scenes is asked, by the classes that answer. */
export function getJudgeQuestions(classes: LabelClasses): Readonly<Record<Question, JudgeQuestion>> {
  const rows = questionNames.map((name): [Question, JudgeQuestion] => {
    const head = questions[name];
    return [name, { classes: classes[head].length, view: questionViews[name], head }];
  });
  return Object.fromEntries(rows) as Record<Question, JudgeQuestion>;
}

/**
 * The mean over images of the sum over questions. Inputs: `pixels [batch, size, size, 3]` bytes, `labels [batch,
 * questions]`, and `asked [batch, questions]`, 1 where an image answers a question and 0 where not.
 */
export function judgeObjective(config: JudgeConfig, batch: number): Objective {
  const { pictureSize: size } = config;
  return (tracer) => {
    const bytes = tracer.input("pixels", [batch, size, size, 3], "u8");
    const labels = tracer.input("labels", [batch, questionNames.length], "i64");
    const asked = tracer.input("asked", [batch, questionNames.length]);
    const { answers } = judge(
      tracer.scope(),
      pixelsFromBytes(bytes),
      config,
      getJudgeQuestions(labelClasses),
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

/** Images `[size, size, 3]` and what they show, as the objective's inputs. */
export function judgeBatch(
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
