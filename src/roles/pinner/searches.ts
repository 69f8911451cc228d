import { join } from 'node:path'
import type { AssignmentView } from '../../protocol/views.js'
import { knownLength, readBlocks, SwarmReader } from '../../swarm/reader.js'
import { hasCode, type Member } from '../member.js'

/** How long a signer has before its pinner looks for the hypercore itself, for twice as long: together less than a signer takes to give up. */
export const SEARCH_AFTER_MS = 30_000
/**
 * Looks for the hypercores of draws whose signers send nothing. What is found nowhere is said to the chain before the signer says so, which is
 * what keeps both from paying for what nobody serves.
 */
export class Searches {
  readonly #member: Member
  readonly #isComing: (draw: number) => boolean
  readonly #afterMs: number
  /** Draws that are waited for, looked for, or done with. */
  readonly #known = new Set<number>()

  /** @param isComing whether a draw's signer sends its segment. @param afterMs how long it may send nothing */
  constructor(member: Member, isComing: (draw: number) => boolean, afterMs = SEARCH_AFTER_MS) {
    this.#member = member
    this.#isComing = isComing
    this.#afterMs = afterMs
  }

  /** Begins with draws that are new, and forgets those that are over. */
  work(assignments: readonly AssignmentView[]): void {
    const open = new Set(assignments.map(({ draw }) => draw))
    for (const draw of this.#known) if (!open.has(draw)) this.#known.delete(draw)
    for (const assignment of assignments) {
      const { draw, role } = assignment
      if (role !== 'pinner' || this.#known.has(draw)) continue
      this.#known.add(draw)
      this.#member.run(`search of draw ${draw}`, () => this.#watch(assignment))
    }
  }

  async #watch(assignment: AssignmentView): Promise<void> {
    const { chain, log, signal } = this.#member
    const { draw, hypercore } = assignment
    for (;;) {
      await this.#member.pause(this.#afterMs)
      if (signal.aborted) return
      const state = (await chain.assignments({ signal })).find((other) => other.draw === draw)?.task.state
      if (state === 'asked') continue
      // What comes is to be had, and what is over needs no word.
      if (state !== 'delivering' || this.#isComing(draw)) return
      break
    }
    if (await this.#isServed(assignment)) return
    log('pinner.unserved', { draw, key: hypercore })
    await chain.refuse(draw, 'unreachable').catch((error: unknown) => {
      if (!hasCode(error, 'DRAW_NOT_OPEN', 'NOT_WAITING', 'UNSERVED_SAID')) throw error
    })
  }

  /** Whether somebody serves the first block that is wanted. */
  async #isServed({ draw, hypercore, length, task, topic }: AssignmentView): Promise<boolean> {
    const { options, signal } = this.#member
    const { clock, dir, network, randomBytes } = options
    const timeoutMs = 2 * this.#afterMs
    const reader = new SwarmReader({ network, dir: join(dir, `search-${draw}`), seed: randomBytes(32) })
    try {
      const core = await reader.open(hypercore, [topic])
      await knownLength(core, length, { clock, timeoutMs, signal })
      const blocks = readBlocks(core, task.start, task.start + 1, { timeoutMs, signal })
      await blocks.next()
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (!hasCode(error, 'HYPERCORE_UNREACHABLE', 'BLOCK_UNREACHABLE')) throw error
      return false
    } finally {
      await reader.discard()
    }
  }
}
