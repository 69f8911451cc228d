import { fixed, struct, uint, type Infer } from './codec.js'

/**
 * An entry of the log that the sender of an operation has seen: its number and hash. The operation holds only on a log with
 * this very entry, so that nobody can change the past below it without the sender's key.
 */
export const anchorType = struct({ seq: uint(), hash: fixed(32) })
export type Anchor = Infer<typeof anchorType>

/** What a genesis names, which nothing comes before. */
export const NO_ANCHOR: Readonly<Anchor> = { seq: 0, hash: new Uint8Array(32) }

/** The newest entry of a log of `length` entries whose last one has the hash `head`. */
export function anchorAt({ length, head }: { length: number; head: Uint8Array }): Anchor {
  return { seq: length - 1, hash: head }
}
