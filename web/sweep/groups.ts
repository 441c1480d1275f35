// Which groups of jobs are sweeps.

export const prefix = "sweep-";

export const isSweep = (group: string | null): boolean => group?.startsWith(prefix) === true;
