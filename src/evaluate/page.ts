// The report as one self-contained HTML page: the numbers, and the best, worst and some random images of each
// skill.
import sharp from "sharp";
import type { LabelClasses } from "../data/index.js";
import { questionNames, questions } from "../data/index.js";
import { escapeXml } from "../image/index.js";
import { random } from "../random/index.js";
import type { EvaluatedImage } from "./evaluate.js";
import type { Looks, Nearness } from "./looks.js";
import { type GroupName, groupNames, groups } from "./plan.js";
import type { RealOrDrawn } from "./real-or-drawn.js";
import { describeSettings, type PromptScore, type Report, type Score, type SkillScore } from "./report.js";
import { argMax } from "./skills.js";

/** Images per row, and their side in CSS pixels. */
const imagesPerRow = 8;
const side = 144;

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
h2 { margin: 2.5rem 0 .3rem; } h3 { margin: 1rem 0 .3rem; font-size: 1rem; font-weight: 600; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left; }
td:not(:first-child), th:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
.row { display: flex; flex-wrap: wrap; gap: 8px; } figure { margin: 0; width: ${side}px; font-size: 12px; line-height: 1.25; }
figure img { width: ${side}px; height: ${side}px; display: block; border-radius: 4px; border: 3px solid #c44; box-sizing: border-box; }
figure.right img { border-color: #3a3; } figcaption small { color: #777; display: block; }
`;

/** @returns HTML text */
export async function makePage(
  report: Report,
  evaluated: readonly EvaluatedImage[],
  classes: LabelClasses,
): Promise<string> {
  const byId = new Map(evaluated.map((each) => [each.task.id, each]));
  const { model, seed } = report;
  const sections: string[] = [];
  for (const group of groupNames) sections.push(await section(group, report, byId, classes));
  const about = `${describeSettings(model)}; seed ${seed}; classifier ${report.judge.slice(0, 12)}`;
  return [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeXml(`${model.name} ${model.version}: scorecard`)}</title>`,
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head><body>`,
    `<h1>${escapeXml(`${model.name} ${model.version}`)}: scorecard</h1><p>${escapeXml(about)}.</p>`,
    "<p>A classifier, a small network trained on composed scenes, says what each image shows. Its ceiling is its accuracy on composed",
    "scenes of the same contents that neither it nor the model was trained on. Held-out pairs never occur together in training.</p>",
    skillTable(report.skills),
    measures(report),
    ...(report.manyThings ? [manyThingsTable(report.manyThings)] : []),
    ...(report.looks ? [looksTable(report.looks)] : []),
    ...sections,
    "</body></html>",
    "",
  ].join("\n");
}

function manyThingsTable({ things, images }: NonNullable<Report["manyThings"]>): string {
  const row = (name: string, { drawn, real }: typeof things) => [
    name,
    `${percent(drawn.share)} (${interval(drawn)})`,
    percent(real.share),
  ];
  return htmlTable(
    ["scenes of many things, each cut out", "generated", "composed scenes"],
    [row("things recognised", things), row("images with all things recognised", images)],
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
const interval = ({ interval: [low, high] }: Score) => `${percent(low)} – ${percent(high)}`;

function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((cells) => line(cells, "td")).join("")}</table>`;
}

function skillTable(skills: readonly SkillScore[]): string {
  const head = ["skill", "right", "95% interval", "classifier's ceiling", "of the ceiling", "images"];
  const rows = skills.map((score) => [
    getTitle(score),
    percent(score.share),
    interval(score),
    percent(score.ceiling),
    percent(score.ofCeiling),
    String(score.asked),
  ]);
  return htmlTable(head, rows);
}

const getTitle = ({ title, heldOut }: SkillScore) => (heldOut ? `${title}, held-out pairs` : title);

function measures({ frechet, diversity, copying, reconstruction, synonyms, things, styles }: Report): string {
  const copies = (name: string, { share, ofScenes, nearCopies, images }: Report["copying"]["plain"]) => [
    name,
    `${percent(share)} (${nearCopies} of ${images})`,
    percent(ofScenes),
  ];
  const first = htmlTable(
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
      copies("near copies of a training drawing, prompt names the thing only", copying.plain),
      copies("near copies, prompt adds a colour or a background", copying.changed),
      ...(reconstruction ? [["autoencoder's PSNR", `${reconstruction.psnr.toFixed(2)} dB`, ""]] : []),
    ],
  );
  const shares: [string, Score][] = [
    ["common things", things.common],
    ["rarer things", things.rarer],
    ["words absent from training: things", synonyms.things],
    ["words absent from training: colours", synonyms.colours],
    ...Object.entries(styles).map(([name, score]): [string, Score] => [`style: ${name}`, score]),
  ];
  const rows = shares.map(([name, score]) => [
    name,
    percent(score.share),
    interval(score),
    String(score.asked),
  ]);
  return first + htmlTable(["part", "right", "95% interval", "images"], rows);
}

function looksTable({ realOrDrawn, realOrDrawnLatents, nearness, ceiling, fidelity }: Looks): string {
  const accuracyRow = (name: string, { accuracy, interval: [low, high] }: RealOrDrawn) => [
    name,
    `${percent(accuracy)} (${percent(low)} – ${percent(high)})`,
    "50%",
  ];
  const compare = (name: string, field: keyof Nearness) => [
    name,
    nearness[field].toFixed(2),
    ceiling?.[field].toFixed(2) ?? "",
  ];
  return htmlTable(
    ["image quality", "generated", "best"],
    [
      accuracyRow("accuracy of a network trained to distinguish them from composed scenes", realOrDrawn),
      ...(realOrDrawnLatents
        ? [accuracyRow("the same, from scenes passed through the autoencoder", realOrDrawnLatents)]
        : []),
      compare("PSNR to the nearest composed scene, dB", "psnr"),
      compare("gradient distance (GMSD) to it", "gradientDistance"),
      compare("edge sharpness relative to it", "sharpness"),
      compare("edge wobble relative to it, pixels", "wobble"),
      ...Object.entries(fidelity?.psnr ?? {}).map(([strength, value]) => [
        `image-to-image at strength ${strength}, dB`,
        value.toFixed(2),
        "",
      ]),
    ],
  );
}

type Scored = { readonly score: PromptScore; readonly evaluated: EvaluatedImage };

async function section(
  group: GroupName,
  report: Report,
  byId: ReadonlyMap<string, EvaluatedImage>,
  classes: LabelClasses,
): Promise<string> {
  const skill = group === "synonym" ? "synonym" : groups[group].skills[0];
  if (!skill) return "";
  const all = report.images.flatMap((score): Scored[] => {
    const evaluated = byId.get(score.id);
    return evaluated?.task.group === group ? [{ score, evaluated }] : [];
  });
  if (all.length === 0) return "";
  const confidence = ({ score }: Scored) => score.marks[skill]!.confidence;
  const sorted = [...all].sort((a, b) => confidence(b) - confidence(a));
  const stream = random(report.seed, "page", group);
  const some = [...all].map((each) => ({ each, at: stream.uniform() })).sort((a, b) => a.at - b.at);
  const first = report.skills.find((score) => score.group === group);
  const title = first ? getTitle(first) : "words absent from training";
  const rows = [
    ["Best", sorted.slice(0, imagesPerRow)],
    ["Worst", sorted.slice(-imagesPerRow).reverse()],
    ["Random", some.slice(0, imagesPerRow).map(({ each }) => each)],
  ] as const;
  const parts: string[] = [];
  for (const [name, chosen] of rows) {
    const figures = await Promise.all(chosen.map((each) => figure(each, skill, classes)));
    parts.push(`<h3>${name}</h3><div class="row">${figures.join("")}</div>`);
  }
  return `<h2>${escapeXml(title)}</h2>${parts.join("")}`;
}

async function figure({ score, evaluated }: Scored, skill: string, classes: LabelClasses): Promise<string> {
  const { right, confidence } = score.marks[skill]!;
  const length = Math.round(Math.sqrt(evaluated.pixels.length / 3));
  const raw = { width: length, height: length, channels: 3 as const };
  const webp = await sharp(evaluated.pixels, { raw })
    .resize(side * 2, side * 2)
    .webp({ quality: 80 })
    .toBuffer();
  const seen = describe(evaluated, classes);
  const caption = `${escapeXml(score.prompt)}<small>seed ${score.seed}, ${percent(confidence)}; seen: ${escapeXml(seen)}</small>`;
  const source = `data:image/webp;base64,${webp.toString("base64")}`;
  return `<figure${right ? ' class="right"' : ""}><img src="${source}" alt="" loading="lazy"><figcaption>${caption}</figcaption></figure>`;
}

/** The classifier's answers in a few words. */
function describe({ verdict: { answers } }: EvaluatedImage, classes: LabelClasses): string {
  const seen = Object.fromEntries(
    questionNames.map((question) => {
      const names: readonly string[] = classes[questions[question]];
      return [question, names[argMax(answers[question])]!];
    }),
  );
  const colour = (name: string | undefined) => (name === classes.colour[0] ? "" : `${name} `);
  const first = `${seen.count === "one" || seen.layout !== "alone" ? "" : `${seen.count} `}${colour(seen.colour)}${seen.thing}`;
  const second =
    seen.layout === "alone" ? "" : ` ${seen.layout} ${colour(seen.secondColour)}${seen.secondThing}`;
  return `${first}${second}, ${seen.style}${seen.background === "none" ? "" : `, ${seen.background}`}`;
}
