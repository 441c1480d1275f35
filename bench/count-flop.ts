// Counts a network's FLOPs from its program, so that utilisation rests on shapes and not on estimates.
import { countMultiplications, type Program } from "../src/graph/index.js";

/**
 * Floating-point operations of one run: two per multiply-add of matrix products, convolutions and attention,
 * and nothing else. All dimensions must be numbers.
 */
export const countFlop = (program: Program): number => 2 * countMultiplications(program, {});
