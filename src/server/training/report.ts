// What a training, an evaluation or an explanation has to show: a page, a sheet of samples, or data.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Explanation } from "../../inspect/index.js";
import type { Job } from "../api/index.js";
import type { ReportFile, ReportForm } from "../application.js";
import { getEvaluationFolder, getExplanationFile, getTrainingFolder } from "./folders.js";

/** @param folder The library's folder. @returns undefined for other jobs, and while there is nothing to show */
export async function readReport(
  folder: string,
  { id, kind, request }: Pick<Job, "id" | "kind" | "request">,
  as: ReportForm = "data",
): Promise<ReportFile | undefined> {
  const read = (path: string) => readFile(path).catch(() => undefined);
  if (kind === "evaluate") {
    const bytes = await read(join(getEvaluationFolder(folder, id), "report.html"));
    return bytes && { bytes, type: "text/html" };
  }
  if (kind === "explain") {
    const bytes = await read(getExplanationFile(folder, id));
    if (!bytes || as === "data") return bytes && { bytes, type: "application/json" };
    const { makeExplanationPage } = await import("../../inspect/node.js");
    const page = await makeExplanationPage(JSON.parse(bytes.toString("utf8")) as Explanation);
    return { bytes: Buffer.from(page), type: "text/html" };
  }
  if (kind !== "train") return undefined;
  const bytes = await read(join(getTrainingFolder(folder, id), `${String(request.name)}.run`, "samples.png"));
  return bytes && { bytes, type: "image/png" };
}
