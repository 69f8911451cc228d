/**
 * Bounds of numbers from outside. Every decoder holds each of its numbers to one of these or to a smaller one, so that no
 * loop, allocation or sum further in meets a number that nobody thought of.
 */

/** Largest whole number of any format: identifiers, rounds, ms, but for grains. 32 of them add up exactly. */
export const UINT_MAX = 2 ** 48

/** Most blocks of a hypercore that the chain knows, and most bytes of them. */
export const BLOCKS_MAX = 2 ** 40
export const BYTES_MAX = 2 ** 48
