import { hash } from '../../../src/crypto/hash.js'
import type { Effect } from '../../../src/protocol/effects.js'
import type { Report } from '../../../src/protocol/operations.js'
import type { CheckEpochView, CheckView } from '../../../src/protocol/views.js'
import type { Party, Strategy } from '../party.js'

export const VERIFIER_DEPOSIT = 5_000_000n

/** Blocks that a verifier asks a pinner for. */
const BLOCKS = 8
/** What a reader measures that waits in vain. */
const NOTHING = { firstByteUs: 10_000_000, bytesPerSecond: 0 }

/** A verifier as it should be. */
export class Verifier implements Strategy {
  readonly #made = new Map<number, { reports: Report[]; salt: Buffer }>()

  async begin(party: Party): Promise<void> {
    await party.chain.register('verifier', 0, VERIFIER_DEPOSIT)
  }

  concerns(effect: Effect, party: Party): boolean {
    if (effect.kind !== 'epochBegan') return false
    const { tickMs, reportRounds } = party.world.rules
    // Once the verifiers are frozen, and once the reports have closed.
    party.wakeIn(0.5 * tickMs)
    party.wakeIn((reportRounds + 0.5) * tickMs)
    return false
  }

  async work(party: Party): Promise<void> {
    const { chain } = party
    const epochs = await chain.checkEpochs()
    if (epochs.length === 0) return
    const { round } = (await chain.info()).chain
    for (const of of epochs) await this.attend(party, of, round)
  }

  async attend(
    party: Party,
    { epoch, closeRound, settleRound }: CheckEpochView,
    round: number
  ): Promise<void> {
    const { chain } = party
    const known = this.#made.get(epoch)
    if (!known && round < closeRound) {
      const checks = await chain.checks(epoch, 1024)
      if (checks.length === 0) return
      const reports = checks.map((check) => this.measure(party, check))
      const salt = hash('simulate/salt', party.keyPair.publicKey, epoch)
      await chain.commitReport(epoch, reports, salt)
      this.#made.set(epoch, { reports, salt })
    } else if (known && round >= closeRound && round < settleRound) {
      this.#made.delete(epoch)
      await chain.revealReport(epoch, known.reports, known.salt)
    } else if (known && round < closeRound) party.wakeIn(party.world.rules.tickMs)
  }

  /** Reads some blocks, as any reader would. */
  measure(party: Party, { copy, pinner, length }: CheckView): Report {
    let misses = 0
    let first = NOTHING.firstByteUs
    let rate = NOTHING.bytesPerSecond
    for (let n = 0; n < BLOCKS; n++) {
      const index = Math.floor(party.chance() * length)
      const served = party.world.read(pinner, copy, index, { known: this.known })
      if (!served) misses++
      else {
        first = Math.min(first, served.firstByteUs)
        rate = Math.max(rate, served.bytesPerSecond)
      }
    }
    return { copy, firstByteUs: first, bytesPerSecond: rate, misses, blocks: BLOCKS, bytes: BLOCKS * 1_000 }
  }

  /** Whether its address is known for a verifier's: an honest one takes care that it is not. */
  get known(): boolean {
    return false
  }
}
