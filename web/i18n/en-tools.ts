// English: the texts of the editor, compare, sweeps, models and training.

export const enTools = {};
