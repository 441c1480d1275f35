import type { Command } from "commander";
import { addActionCommands } from "./actions.js";
import { addCacheCommand } from "./cache.js";
import { addDataCommand } from "./data.js";
import { addDescribeCommand } from "./describe.js";
import { addEvaluateCommand } from "./evaluate.js";
import { addExplainCommand } from "./explain.js";
import { addExportCommand } from "./export.js";
import { addFinetuneCommand } from "./finetune.js";
import { addGenerateCommand } from "./generate.js";
import { addInfoCommand } from "./info.js";
import { addModelsCommand } from "./models.js";
import { addMorphCommand } from "./morph.js";
import { addPlanCommand } from "./plan.js";
import { addPullCommand } from "./pull.js";
import { addReindexCommand } from "./reindex.js";
import { addServeCommand } from "./serve.js";
import { addTrainCommand } from "./train.js";
import { addVerifyCommand } from "./verify.js";
import { addWorkerCommand } from "./worker.js";

/** Every command, in the order of the help. Each adds itself to the program. */
export const commands: readonly ((program: Command) => void)[] = [
  addGenerateCommand,
  addActionCommands,
  addServeCommand,
  addWorkerCommand,
  addReindexCommand,
  addPlanCommand,
  addVerifyCommand,
  addExplainCommand,
  addDescribeCommand,
  addMorphCommand,
  addInfoCommand,
  addPullCommand,
  addModelsCommand,
  addCacheCommand,
  addDataCommand,
  addFinetuneCommand,
  addTrainCommand,
  addExportCommand,
  addEvaluateCommand,
];
