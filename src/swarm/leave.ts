import { SwarmError } from '../errors.js'
import { deadline } from './mailbox.js'

/** What leaves the network with a word to its peers, or with `force` without. */
interface Node {
  destroy(options?: { force?: boolean }): Promise<void>
}

/** Longest that saying goodbye may take. */
const GOODBYE_MS = 5_000
/** Longest that closing one part may take, leaving the network with and without a goodbye included. */
const PART_MS = 15_000

/**
 * Leaves the network, without a goodbye where that fails or takes too long: peers that do not answer keep nobody from
 * closing.
 *
 * @throws why the goodbye failed, once the node is gone
 */
export async function leave(node: Node, goodbyeMs = GOODBYE_MS): Promise<void> {
  const silent = new Error('no goodbye')
  const patience = { ms: goodbyeMs, error: () => silent }
  const ignoreSilence = (error: unknown): void => {
    if (error !== silent) throw error
  }
  try {
    await deadline(node.destroy(), patience)
  } catch (error) {
    await deadline(node.destroy({ force: true }), patience).catch(ignoreSilence)
    ignoreSilence(error)
  }
}

/**
 * Closes parts one after the other, in this order; one that fails or hangs keeps the others from nothing.
 *
 * @param partMs longest that each may take, in milliseconds
 * @throws the first part's error, once all had their turn; SwarmError CLOSE_TIMEOUT for a part that hangs
 */
export async function closeAll(parts: (() => Promise<unknown>)[], partMs = PART_MS): Promise<void> {
  const error = (): Error => new SwarmError('CLOSE_TIMEOUT', `a part did not close within ${partMs} ms`)
  const failures: unknown[] = []
  for (const close of parts) {
    await deadline(
      // What throws at once has failed like what rejects.
      Promise.resolve().then(close),
      { ms: partMs, error }
    ).catch((failure: unknown) => failures.push(failure))
  }
  if (failures.length > 0) throw failures[0]
}
