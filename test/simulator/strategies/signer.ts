import type { Effect } from '../../../src/protocol/effects.js'
import type { AssignmentView } from '../../../src/protocol/views.js'
import { encodeCopy } from '../../chain/pinner.js'
import type { Party, Strategy } from '../party.js'

export const SIGNER_DEPOSIT = 50_000_000n

/** How long a hypercore is looked for before its signer says that nobody serves it: longer than its pinner takes. */
const SEEK_MS = 240_000

/** A signer as it should be. */
export class Signer implements Strategy {
  readonly #delivered = new Set<number>()
  /** Draws for which it found nobody, and since when. */
  readonly #seeking = new Map<number, number>()

  async begin(party: Party): Promise<void> {
    await party.chain.register('signer', 1 << 30, SIGNER_DEPOSIT)
  }

  concerns(effect: Effect, party: Party): boolean {
    return effect.kind === 'drawn' && effect.role === 'signer' && party.is(effect.key)
  }

  async work(party: Party): Promise<void> {
    for (const assignment of await party.chain.assignments()) {
      if (assignment.role === 'signer') await party.attempt('sign', () => this.#attend(party, assignment))
    }
  }

  async #attend(party: Party, assignment: AssignmentView): Promise<void> {
    if (assignment.acknowledge && !(await this.asked(party, assignment))) return
    if (assignment.task.state === 'delivered' || this.#delivered.has(assignment.draw)) return
    await this.deliver(party, assignment)
    this.#delivered.add(assignment.draw)
  }

  /** Says yes; or no, and returns that. */
  async asked(party: Party, { draw }: AssignmentView): Promise<boolean> {
    await party.chain.acknowledge(draw)
    return true
  }

  /** Encodes what its pinner is to have, and hands it over. */
  async deliver(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const { copy, draw, hypercore, pinner, task } = assignment
    const blocks = await world.fetch(party, hypercore, task.end)
    if (!blocks) {
      const since = this.#seeking.get(draw) ?? party.clock.now()
      this.#seeking.set(draw, since)
      if (party.clock.now() < since + SEEK_MS) throw new Error('nobody serves it yet')
      await chain.refuse(draw, 'unreachable')
      return
    }
    const original = { key: Buffer.from(hypercore), blocks }
    const held = await encodeCopy(await chain.chainId(), assignment, original, party.keyPair)
    if (!world.isThere(pinner)) {
      // Who is silent pays alone.
      if (await party.isNearly(task.deadline)) return void (await chain.refuse(draw, 'other'))
      throw new Error('its pinner is not to be reached')
    }
    world.handed.set(`${copy}/${draw}`, held)
    await chain.deliver(draw, held.record)
  }
}
