import { deadline } from './mailbox.js'

/** What leaves the network with a word to its peers, or with `force` without. */
interface Node {
  destroy(options?: { force?: boolean }): Promise<void>
}

/** Longest that saying goodbye may take. */
const GOODBYE_MS = 5_000

/** Leaves the network, without a goodbye where that takes too long: peers that do not answer keep nobody from closing. */
export async function leave(node: Node, goodbyeMs = GOODBYE_MS): Promise<void> {
  const silent = new Error('no goodbye')
  const patience = { ms: goodbyeMs, error: () => silent }
  const ignoreSilence = (error: unknown): void => {
    if (error !== silent) throw error
  }
  let said = true
  await deadline(node.destroy(), patience).catch((error: unknown) => {
    ignoreSilence(error)
    said = false
  })
  if (!said) await deadline(node.destroy({ force: true }), patience).catch(ignoreSilence)
}
