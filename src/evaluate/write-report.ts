// Writes an evaluation's results: numbers for programs, a page for people, tables for the model card.
import { join } from "node:path";
import { writeFileAtomic } from "../checkpoint/node.js";
import type { LabelClasses } from "../data/index.js";
import { makeCard } from "./card.js";
import type { EvaluatedImage } from "./evaluate.js";
import { makePage } from "./page.js";
import type { Report } from "./report.js";

export interface ReportFiles {
  readonly report: string;
  readonly page: string;
  readonly card: string;
}

/** Writes `report.json`, `report.html` and `card.md`. @throws NishikiError "file" */
export async function writeReport(
  output: string,
  report: Report,
  evaluated: readonly EvaluatedImage[],
  classes: LabelClasses,
): Promise<ReportFiles> {
  const files = {
    report: join(output, "report.json"),
    page: join(output, "report.html"),
    card: join(output, "card.md"),
  };
  await writeFileAtomic(files.report, `${JSON.stringify(report, null, 1)}\n`);
  await writeFileAtomic(files.page, await makePage(report, evaluated, classes));
  await writeFileAtomic(files.card, makeCard(report));
  return files;
}
