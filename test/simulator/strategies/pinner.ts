import type { Effect } from '../../../src/protocol/effects.js'
import type { AskView, AssignmentView, ChallengeView, OpeningView } from '../../../src/protocol/views.js'
import { ChainError } from '../../../src/errors.js'
import type { HeldCopy } from '../../chain/pinner.js'
import { evidenceOf } from '../../../src/client/upload.js'
import { opened } from '../../chain/openings.js'
import { answered, faultOf, Missing } from '../answering.js'
import type { Party, Reader, Served, Strategy } from '../party.js'

/** One random read of a disk. */
const READ_MS = 5

export const PINNER_DEPOSIT = 50_000_000n
export const PINNER_CAPACITY = 1 << 30

/** A pinner as it should be. Those that are not override what they do otherwise. */
export class Pinner implements Strategy {
  /** Share of the bytes it is paid for that it does not store. */
  readonly dropped: number = 0
  /** Segments, by number of the copy. */
  readonly held = new Map<number, HeldCopy[]>()
  readonly #copies = new Set<number>()
  readonly #draws = new Set<number>()
  readonly #proven = new Set<number>()
  /** Draws of whose hypercore it has said that nobody serves it. */
  readonly #unserved = new Set<number>()
  readonly #shown = new Set<number>()

  async begin(party: Party): Promise<void> {
    await party.chain.register('pinner', PINNER_CAPACITY, this.deposit)
    party.world.serves(party)
  }

  /** What it deposits. */
  get deposit(): bigint {
    return PINNER_DEPOSIT
  }

  concerns(effect: Effect, party: Party): boolean {
    switch (effect.kind) {
      case 'drawn':
        if (effect.role === 'pinner' && party.is(effect.key)) this.#copies.add(effect.copy)
        if (!this.#copies.has(effect.copy)) return false
        this.#draws.add(effect.draw)
        return true
      case 'acknowledged':
      case 'delivered':
      case 'late':
      case 'refused':
        return this.#draws.has(effect.draw)
      case 'challenged':
      case 'openingDrawn':
        return this.#copies.has(effect.copy)
      default:
        return false
    }
  }

  async work(party: Party): Promise<void> {
    const { chain } = party
    for (const challenge of await chain.challenges(256)) {
      await party.attempt('answer', () => this.challenged(party, challenge))
    }
    for (const challenge of await chain.evidenceDue()) {
      await party.attempt('prove', () => this.prove(party, challenge))
    }
    for (const opening of await chain.openings(256)) {
      await party.attempt('open', () => this.open(party, opening))
    }
    for (const ask of await chain.asks()) await party.attempt('say', () => this.asked(party, ask))
    for (const assignment of await chain.assignments()) {
      const { role, task } = assignment
      if (role !== 'pinner') continue
      if (task.state === 'delivering') await party.attempt('seek', () => this.#seek(party, assignment))
      if (!['delivered', 'late', 'refused'].includes(task.state)) continue
      await party.attempt('accept', () => this.offered(party, assignment))
    }
  }

  /** Looks itself for what its signer is to download. */
  async #seek(party: Party, { draw, hypercore, task }: AssignmentView): Promise<void> {
    if (this.#unserved.has(draw) || this.finds(party, hypercore, task.end)) return
    await party.chain.refuse(draw, 'unreachable')
    this.#unserved.add(draw)
  }

  /** Whether it finds so many blocks of a hypercore in the swarm. */
  finds({ world }: Party, hypercore: Uint8Array, length: number): boolean {
    return (world.blocks(hypercore)?.length ?? 0) >= length
  }

  /** Whether it takes a copy that it was drawn for. */
  async asked(party: Party, { draw }: AskView): Promise<void> {
    await party.chain.acknowledge(draw)
  }

  /** Takes what its signer made, or shows what is wrong with it. */
  async offered(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const { copy, draw, task } = assignment
    const offered = world.handed.get(`${copy}/${draw}`)
    if (!offered) {
      // Who is silent once the signer has said something pays alone.
      const owed =
        task.state === 'refused' || (task.state === 'delivered' && (await party.isNearly(task.deadline)))
      if (owed) await chain.refuse(draw, 'other')
      return
    }
    const fault = await faultOf(
      await chain.chainId(),
      assignment,
      offered,
      world.blocks(assignment.hypercore)
    )
    if (fault) {
      await chain.refuse(draw, 'mismatch', fault.hash)
      await chain.sendRefusalEvidence(draw, fault.source)
      return
    }
    try {
      await chain.accept(draw, offered.record, offered.signerSignature)
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'SEGMENT_MISMATCH') throw error
      // Another segment came than the one that is on the log.
      await chain.refuse(draw, 'mismatch')
      return
    }
    this.keep(copy, offered)
  }

  /** A segment stands in the place of all that it covers: those are encoded again as one. */
  keep(copy: number, segment: HeldCopy): void {
    const { start, end } = segment.record
    const others = (this.held.get(copy) ?? []).filter(
      ({ record }) => record.start < start || record.end > end
    )
    this.held.set(
      copy,
      [...others, segment].sort((a, b) => a.record.start - b.record.start)
    )
  }

  /** Walks a challenge and answers it. */
  async challenged(party: Party, challenge: ChallengeView): Promise<void> {
    const { chain } = party
    try {
      await party.pause(this.readMs * challenge.steps)
      const held = this.held.get(challenge.copy)
      if (!held) throw new Missing()
      const keeps = (index: number): boolean => this.keeps(challenge.copy, index)
      const { lastState, hash } = await answered(held, challenge, keeps)
      await chain.answer([{ challenge: challenge.id, state: lastState, evidence: hash }])
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      await this.cannot(party, challenge)
      return
    }
    await this.prove(party, challenge)
  }

  /** What it does with a challenge that it cannot answer. An honest one says so. */
  async cannot(party: Party, { id }: ChallengeView): Promise<void> {
    await party.chain.answer([], [id])
  }

  /** Hands the evidence of an answer over. */
  async prove(party: Party, challenge: ChallengeView): Promise<void> {
    const held = this.held.get(challenge.copy)
    if (!held || this.#proven.has(challenge.id)) return
    const { evidence, hash } = await answered(held, challenge, () => true)
    await party.chain.sendEvidence(challenge.id, evidenceOf(evidence, hash))
    this.#proven.add(challenge.id)
  }

  /** Shows a whole chunk. */
  async open(party: Party, opening: OpeningView): Promise<void> {
    const held = this.held.get(opening.copy)
    if (!held || this.#shown.has(opening.challenge) || !this.keeps(opening.copy, opening.index)) return
    const blocks = party.world.blocks(opening.hypercore)
    await party.chain.sendOpening(opening.challenge, await opened(held, blocks!, opening))
    this.#shown.add(opening.challenge)
  }

  /** One read of its disk. */
  get readMs(): number {
    return READ_MS
  }

  /** Whether chunk `index` of a copy is on its disk. */
  keeps(copy: number, index: number): boolean {
    void copy
    void index
    return true
  }

  serve(copy: number, index: number, reader: Reader): Served | null {
    void reader
    if (!this.held.has(copy) || !this.keeps(copy, index)) return null
    return { firstByteUs: 40_000, bytesPerSecond: 5_000_000 }
  }
}
