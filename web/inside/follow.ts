// Follows an explanation while it is made: each part is fetched as soon as the job's progress tells of it.
import { useEffect, useRef, useState } from "preact/hooks";
import { type ExplanationPart, mergeParts } from "../../src/inspect/explanation-parts.js";
import type { Explanation } from "../../src/inspect/index.js";
import { api, newId } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { getJob, putJobs } from "../store/jobs.js";
import { attempt } from "../store/notices.js";
import { type Amount, getExplanationId } from "./amount.js";

/** Asks for an explanation, or finds the one that was asked for before. */
export async function askForExplanation(image: StoredImage, amount: Amount): Promise<Job> {
  const request = {
    ...{ kind: "explain" as const, image: image.id },
    ...{ ...amount, panels: [...amount.panels], scales: [...amount.scales] },
  };
  let job = await api.putJob(getExplanationId(image.id, amount), request);
  const isGone = job.state === "done" && !(await api.explanation(job.id));
  if (isGone || job.state === "failed" || job.state === "cancelled") job = await api.putJob(newId(), request);
  putJobs([job], performance.now());
  return job;
}

export interface Followed {
  readonly job: Job | undefined;
  /** What is known so far. */
  readonly explanation: Explanation | undefined;
  /** Whether all of it is known. */
  readonly isWhole: boolean;
}

/** @param id The job; undefined while there is none. */
export function useExplanation(id: string | undefined): Followed {
  const [known, setKnown] = useState<{ readonly of?: string; readonly explanation?: Explanation }>({});
  const [whole, setWhole] = useState<string | undefined>(undefined);
  const parts = useRef<ExplanationPart[]>([]);
  const taken = useRef<string | undefined>(undefined);
  const busy = useRef(false);
  if (taken.current !== id) {
    taken.current = id;
    parts.current = [];
  }
  const job = id === undefined ? undefined : getJob(id);
  const count = job?.progress?.findings ?? 0;
  const isDone = job?.state === "done" || (id !== undefined && job === undefined);
  useEffect(() => {
    if (id === undefined || isDone || busy.current) return;
    const fetchNew = async () => {
      // More may come while one is fetched.
      while (taken.current === id && parts.current.length < (getJob(id)?.progress?.findings ?? 0)) {
        const part = await api.finding(id, parts.current.length + 1);
        if (!part || taken.current !== id) return; // The server was started again: the report will have all.
        parts.current = [...parts.current, part];
        setKnown({ of: id, explanation: mergeParts(parts.current) });
      }
    };
    busy.current = true;
    void fetchNew()
      .catch(() => {}) // The next progress tries again.
      .finally(() => {
        busy.current = false;
      });
  }, [id, count, isDone]);
  useEffect(() => {
    if (id === undefined || !isDone) return;
    void attempt(async () => {
      const explanation = await api.explanation(id);
      if (!explanation || taken.current !== id) return;
      setKnown({ of: id, explanation });
      setWhole(id);
    });
  }, [id, isDone]);
  const explanation = known.of === id ? known.explanation : undefined;
  return { job, explanation, isWhole: whole !== undefined && whole === id };
}
