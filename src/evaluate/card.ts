// The numbers as a table for a model card, in Markdown.
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

/** @returns Markdown with tables, without a heading */
export function makeCard(report: Report): string {
  const { model, skills, things, styles, synonyms, frechet, diversity, copying, reconstruction, looks } =
    report;
  const parts = [
    `${model.name} ${model.version}: ${describeSettings(model)}; seed ${report.seed}.`,
    table(
      ["skill", "right", "95% interval", "judge's ceiling", "of the ceiling", "pictures"],
      skills.map(skillRow),
    ),
    `Single things: ${percent(things.common.share)} of the common ones, ${percent(things.rarer.share)} of the rarer ones, by the ` +
      "model's own judge, which was trained on the same drawings; people recognise fewer. " +
      `Words that training never showed (${synonyms.all.asked}): ${percent(synonyms.all.share)} right, ` +
      `${percent(synonyms.things.share)} of things and ${percent(synonyms.colours.share)} of colours.`,
    table(
      ["style", ...Object.keys(styles)],
      [["right", ...Object.values(styles).map(({ share }) => percent(share))]],
    ),
    table(
      ["measure", "generated", "composed scenes"],
      [
        [
          "Fréchet distance of judge features to composed scenes",
          frechet.generated.toFixed(2),
          frechet.scenes.toFixed(2),
        ],
        [
          "diversity: mean distance of features over seeds",
          diversity.generated.toFixed(2),
          diversity.scenes.toFixed(2),
        ],
        copyRow("near copies of a training drawing, nothing changed asked for", copying.plain),
        copyRow("near copies where a colour or a background was asked for", copying.changed),
        ...(reconstruction
          ? [["autoencoder, PSNR on scenes it has not seen", `${reconstruction.psnr.toFixed(1)} dB`, ""]]
          : []),
      ],
    ),
    ...(looks ? [looksTable(looks)] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** How clean images look, and the most that the model's autoencoder allows. */
function looksTable({ realOrDrawn, realOrDrawnLatents, nearness, ceiling, fidelity }: Looks): string {
  const told = ({ accuracy, interval: [low, high], asked }: RealOrDrawn) =>
    `${percent(accuracy)} (${percent(low)}–${percent(high)}, ${asked} pairs)`;
  const compare = (name: string, field: Exclude<keyof Nearness, "pictures">, digits: number, unit = "") => [
    name,
    `${nearness[field].toFixed(digits)}${unit}`,
    ceiling ? `${ceiling[field].toFixed(digits)}${unit}` : "",
  ];
  return table(
    ["how clean", "generated", "best"],
    [
      ["told from composed scenes by a classifier trained to (50% is perfect)", told(realOrDrawn), "50%"],
      ...(realOrDrawnLatents
        ? [["told from scenes that went through the autoencoder", told(realOrDrawnLatents), "50%"]]
        : []),
      compare(`PSNR to the nearest composed scene (${nearness.images} pictures)`, "psnr", 1, " dB"),
      compare("gradient distance to it", "gradientDistance", 3),
      compare("sharpness of its edges", "sharpness", 2),
      compare("wobble of its edges", "wobble", 2, " px"),
      ...Object.entries(fidelity?.psnr ?? {}).map(([strength, value]) => [
        `image-to-image of ${fidelity!.scenes} scenes at strength ${strength}`,
        `${value.toFixed(1)} dB`,
        "",
      ]),
    ],
  );
}

function copyRow(name: string, { share, ofScenes, nearCopies, images }: Report["copying"]["plain"]) {
  return [name, `${(100 * share).toFixed(1)}% (${nearCopies} of ${images})`, percent(ofScenes)];
}
