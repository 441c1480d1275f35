// Wildcards in prompts: as the command line and the library read them.
export * from "../../src/pipeline/prompt/wildcards.js";
