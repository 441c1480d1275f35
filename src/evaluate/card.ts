// The report as Markdown tables for a model card.
import type { ClipScores } from "./clip-scores.js";
import type { Looks, Nearness } from "./looks.js";
import type { RealOrDrawn } from "./real-or-drawn.js";
import { describeSettings, type Report, type Score, type SkillScore } from "./report.js";

const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
const range = ({ interval: [low, high] }: Score) => `${percent(low)}–${percent(high)}`;

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

function skillRow({ title, heldOut, share, asked, ceiling, ofCeiling, ...score }: SkillScore) {
  const name = heldOut ? `${title}, held-out pairs` : title;
  const whole = { share, asked, ...score } as Score;
  return [name, percent(share), range(whole), percent(ceiling), percent(ofCeiling), asked];
}

/** @returns Markdown without a heading */
export function makeCard(report: Report): string {
  const {
    model,
    skills,
    things,
    styles,
    synonyms,
    frechet,
    diversity,
    copying,
    reconstruction,
    manyThings,
    looks,
    clip,
  } = report;
  const parts = [
    `${model.name} ${model.version}: ${describeSettings(model)}; seed ${report.seed}.`,
    table(
      ["skill", "right", "95% interval", "classifier's ceiling", "of the ceiling", "images"],
      skills.map(skillRow),
    ),
    `The classifier recognises ${percent(things.common.share)} of single common things and ` +
      `${percent(things.rarer.share)} of rarer ones. It was trained on the same drawings; people recognise fewer. ` +
      `Words absent from training (${synonyms.all.asked}): ${percent(synonyms.all.share)} right, ` +
      `${percent(synonyms.things.share)} of things and ${percent(synonyms.colours.share)} of colours.`,
    table(
      ["style", ...Object.keys(styles)],
      [["right", ...Object.values(styles).map(({ share }) => percent(share))]],
    ),
    table(
      ["measure", "generated", "composed scenes"],
      [
        [
          "Fréchet distance to composed scenes, of classifier features",
          frechet.generated.toFixed(2),
          frechet.scenes.toFixed(2),
        ],
        [
          "diversity: mean feature distance between seeds",
          diversity.generated.toFixed(2),
          diversity.scenes.toFixed(2),
        ],
        copyRow("near copies of a training drawing, prompt names the thing only", copying.plain),
        copyRow("near copies, prompt adds a colour or a background", copying.changed),
        ...(reconstruction
          ? [["autoencoder, PSNR on unseen scenes", `${reconstruction.psnr.toFixed(1)} dB`, ""]]
          : []),
      ],
    ),
    ...(manyThings ? [manyThingsTable(manyThings)] : []),
    ...(looks ? [looksTable(looks)] : []),
    ...(clip ? [clipTable(clip)] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function manyThingsTable({ things, images }: NonNullable<Report["manyThings"]>): string {
  const cells = (name: string, { drawn, real }: typeof things) => [
    name,
    percent(drawn.share),
    range(drawn),
    percent(real.share),
    drawn.asked,
  ];
  return table(
    ["scenes of many things, each thing cut out", "right", "95% interval", "composed scenes", "of"],
    [cells("things recognised", things), cells("images with all things recognised", images)],
  );
}

/** How clean images look, beside the best that the model's autoencoder allows. */
function looksTable({ realOrDrawn, realOrDrawnLatents, nearness, ceiling, fidelity }: Looks): string {
  const accuracyCell = ({ accuracy, interval: [low, high], asked }: RealOrDrawn) =>
    `${percent(accuracy)} (${percent(low)}–${percent(high)}, ${asked} pairs)`;
  const compare = (name: string, field: Exclude<keyof Nearness, "images">, digits: number, unit = "") => [
    name,
    `${nearness[field].toFixed(digits)}${unit}`,
    ceiling ? `${ceiling[field].toFixed(digits)}${unit}` : "",
  ];
  return table(
    ["image quality", "generated", "best"],
    [
      [
        "accuracy of a network trained to distinguish them from composed scenes (50% is perfect)",
        accuracyCell(realOrDrawn),
        "50%",
      ],
      ...(realOrDrawnLatents
        ? [["the same, from scenes passed through the autoencoder", accuracyCell(realOrDrawnLatents), "50%"]]
        : []),
      compare(`PSNR to the nearest composed scene (${nearness.images} images)`, "psnr", 1, " dB"),
      compare("gradient distance (GMSD) to it", "gradientDistance", 3),
      compare("edge sharpness relative to it", "sharpness", 2),
      compare("edge wobble relative to it", "wobble", 2, " px"),
      ...Object.entries(fidelity?.psnr ?? {}).map(([strength, value]) => [
        `image-to-image of ${fidelity!.scenes} scenes at strength ${strength}`,
        `${value.toFixed(1)} dB`,
        "",
      ]),
    ],
  );
}

function clipTable({ images, own, others, preferred }: ClipScores): string {
  return table(
    ["CLIP", "own prompt", "another's", "nearer to its own", "images"],
    [["100 · cosine, mean", own.toFixed(2), others.toFixed(2), percent(preferred), images]],
  );
}

function copyRow(name: string, { share, ofScenes, nearCopies, images }: Report["copying"]["plain"]) {
  return [name, `${(100 * share).toFixed(1)}% (${nearCopies} of ${images})`, percent(ofScenes)];
}
