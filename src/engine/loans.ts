import { loadAddon } from '../crypto/native.js'

/**
 * Buffers of this thread that other threads may copy from until the loan ends: what a worker needs is copied
 * once, by the worker, and the main thread is spared. Whoever lends a buffer must leave it is until then.
 */
export interface Loans {
  /**
   * Lends buffers, none of them empty. `offsets`: where each goes in the borrower's memory, rising.
   * Returns the loan's number.
   */
  lend: (buffers: Uint8Array[], offsets: number[]) => number
  /**
   * Copies all lent buffers that lie wholly in `[from, to)` of `target` to their places there.
   *
   * @throws TypeError if the loan has ended or the range lies outside `target`
   */
  borrow: (loan: number, target: Uint8Array, from: number, to: number) => void
  /** Ends a loan of this thread; waits for those who are just copying. */
  release: (loan: number) => void
  /** Loans of the whole process. */
  count: () => number
}

/** Undefined without the addon: then the main thread copies. */
export const loans = loadAddon('datdot_lend') as Loans | undefined
