import { systemClock } from '../clock.js'
import { settled } from '../wait.js'

/** What leaves the network with a word to its peers, or with `force` without. */
interface Node {
  destroy(options?: { force?: boolean }): Promise<void>
}

/** Longest that saying goodbye may take. In real time: it is sockets that are waited for. */
const GOODBYE_MS = 5_000

/**
 * Leaves the network, without a goodbye where that fails or takes too long: peers that do not answer keep nobody from
 * closing.
 *
 * @throws why the goodbye failed, once the node is gone
 */
export async function leave(node: Node, goodbyeMs = GOODBYE_MS): Promise<void> {
  const patience = { clock: systemClock, ms: goodbyeMs }
  const goodbye = node.destroy()
  const failed = goodbye.then(
    () => false,
    () => true
  )
  const inTime = await settled(goodbye, patience)
  if (inTime && !(await failed)) return
  await settled(node.destroy({ force: true }), patience)
  if (inTime) await goodbye
}
