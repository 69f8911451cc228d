import type { Ledger } from '../../src/ledger/ledger.js'
import type { Effect } from '../../src/protocol/effects.js'
import type { Outcome } from '../../src/protocol/operations.js'
import { toHex } from '../../src/bytes.js'

/** What the log says of one identity. */
export interface Conduct {
  /** Deposits that it put in, as they stood when it last did. */
  deposited: Map<string, bigint>
  /** Paid for storage and for retrieval; X of segments. */
  stored: bigint
  served: bigint
  signed: bigint
  /** What it would have been paid for challenges that it did not pass: as much as for the one before. */
  missed: bigint
  /** Outcomes of its challenges. */
  outcomes: Partial<Record<Outcome, number>>
  /** Copies that it lost. */
  lost: number
  /** Draws that fell on it. */
  drawn: number
  /** Of each of its copies: challenges up to the first that it did not pass; undefined where it passed all. */
  firstFailures: Map<number, { challenges: number; found: boolean }>
}

function nobody(): Conduct {
  return {
    ...{
      deposited: new Map(),
      stored: 0n,
      served: 0n,
      signed: 0n,
      missed: 0n,
      outcomes: {},
      lost: 0,
      drawn: 0
    },
    firstFailures: new Map()
  }
}

/** Follows the log and keeps what the table of strategies is made from. */
export class Facts {
  /** By public key in hex. */
  readonly conducts = new Map<string, Conduct>()
  /** Pinner and signer of each live copy, in hex. */
  readonly holders = new Map<number, { pinner: string; signer: string }>()
  /** Whoever was drawn, in order. */
  readonly draws: string[] = []
  /** Copies that plans wanted, and that there were, at the beginning of each epoch. */
  wanted = 0
  active = 0
  /** Paid for each copy's storage. */
  readonly paidFor = new Map<number, bigint>()
  readonly #counted: ReadonlySet<string> | null
  readonly #lastPaid = new Map<number, bigint>()
  readonly #signers = new Map<number, string>()

  /** @param counted hypercores whose copies are counted; all if not given */
  constructor(counted?: readonly Buffer[]) {
    this.#counted = counted ? new Set(counted.map(toHex)) : null
  }

  of(key: Uint8Array | string): Conduct {
    const name = typeof key === 'string' ? key : toHex(key)
    let conduct = this.conducts.get(name)
    if (!conduct) this.conducts.set(name, (conduct = nobody()))
    return conduct
  }

  hear(effects: readonly Effect[], ledger: Ledger): void {
    for (const effect of effects) this.#hear(effect, ledger)
  }

  #hear(effect: Effect, ledger: Ledger): void {
    switch (effect.kind) {
      case 'registered':
        this.of(effect.key).deposited.set(effect.role, effect.deposit)
        return
      case 'retired':
        this.of(effect.key).deposited.set(
          effect.role,
          this.of(effect.key).deposited.get(effect.role)! - effect.refund
        )
        return
      case 'drawn':
        this.of(effect.key).drawn++
        this.draws.push(`${effect.role} ${toHex(effect.key)}`)
        if (effect.role === 'signer') this.#signers.set(effect.copy, toHex(effect.key))
        return
      case 'activated':
        this.holders.set(effect.copy, {
          pinner: toHex(effect.pinner),
          signer: this.#signers.get(effect.copy) ?? ''
        })
        return
      case 'settled':
        return this.#settled(effect)
      case 'checked': {
        const holder = this.holders.get(effect.copy)
        if (holder) this.of(holder.pinner).served += effect.paid
        return
      }
      case 'rewarded': {
        const holder = this.holders.get(effect.copy)
        if (holder) this.of(holder.signer).signed += effect.paid
        return
      }
      case 'lost':
        this.of(effect.pinner).lost++
        return
      case 'epochBegan':
        for (const { key, wanted, copies } of ledger.hypercores(null).rows) {
          if (this.#counted && !this.#counted.has(toHex(key))) continue
          this.wanted += wanted
          this.active += Math.min(wanted, copies.filter(({ state }) => state === 'active').length)
        }
        return
      default:
        return
    }
  }

  #settled({ copy, outcome, paid }: Effect & { kind: 'settled' }): void {
    const holder = this.holders.get(copy)
    if (!holder) return
    const conduct = this.of(holder.pinner)
    conduct.outcomes[outcome] = (conduct.outcomes[outcome] ?? 0) + 1
    conduct.stored += paid
    if (outcome === 'success') this.#lastPaid.set(copy, paid)
    else if (outcome !== 'unknown') conduct.missed += this.#lastPaid.get(copy) ?? 0n
    this.paidFor.set(copy, (this.paidFor.get(copy) ?? 0n) + paid)
    const first = conduct.firstFailures.get(copy) ?? { challenges: 0, found: false }
    if (!first.found && outcome !== 'unknown') {
      first.challenges++
      first.found = outcome !== 'success'
    }
    conduct.firstFailures.set(copy, first)
  }
}
