import { equal } from '../../bytes.js'
import type { Effect } from '../../protocol/effects.js'
import type { ChallengeView } from '../../protocol/views.js'
import type { Member } from '../member.js'

/** Challenges that are remembered until they are settled: far more than are ever open. */
const OPEN_MAX = 65_536

/** Logs what becomes of a pinner's challenges and copies, and what it is paid. */
export class Outcomes {
  readonly #member: Pick<Member, 'log' | 'keyPair'>
  readonly #open = new Set<number>()

  constructor(member: Pick<Member, 'log' | 'keyPair'>) {
    this.#member = member
  }

  /** Is told of own challenges. */
  asked(challenges: readonly ChallengeView[]): void {
    for (const { id } of challenges) this.#open.add(id)
    for (const id of this.#open) {
      if (this.#open.size <= OPEN_MAX) break
      this.#open.delete(id)
    }
  }

  /** Is told what happened on the chain; null if something may have been missed. */
  hear(effects: readonly Effect[] | null): void {
    const { log, keyPair } = this.#member
    const isOwn = (key: Uint8Array): boolean => equal(key, keyPair.publicKey)
    for (const effect of effects ?? []) {
      if (effect.kind === 'settled' && this.#open.delete(effect.challenge)) {
        const { challenge, copy, outcome, paid, reputationPpm } = effect
        log('pinner.settled', { challenge, copy, outcome, paid, reputationPpm })
      } else if (effect.kind === 'lost' && isOwn(effect.pinner)) {
        log('pinner.copy-lost', { key: effect.hypercore, copy: effect.copy, burned: effect.burned })
      } else if (effect.kind === 'missing' && isOwn(effect.pinner)) {
        log('pinner.copy-missing', { key: effect.hypercore, copy: effect.copy, taken: effect.taken })
      } else if (effect.kind === 'regained' && isOwn(effect.pinner)) {
        log('pinner.copy-regained', { key: effect.hypercore, copy: effect.copy, paidFrom: effect.paidFrom })
      } else if (effect.kind === 'penalised' && isOwn(effect.key)) {
        log('role.penalised', { burned: effect.burned, reputationPpm: effect.reputationPpm })
      }
    }
  }
}
