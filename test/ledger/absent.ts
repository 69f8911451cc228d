import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { KeyPair } from '../../src/crypto/keys.js'
import type { Effect, EffectBody, EffectKind } from '../../src/protocol/effects.js'
import { answerOf, type Plan } from '../../src/protocol/operations.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { ChallengeView, CopyView, RoleView } from '../../src/protocol/views.js'
import { closeAfter } from '../helpers/close-after.js'
import { identity, TestNetwork } from './network.js'

export const PINNERS = ['pinner-1', 'pinner-2', 'pinner-3', 'pinner-4', 'pinner-5']
const HYPERCORES = ['film', 'book', 'song']

/** Three hypercores of two copies at five pinners, all active, with short limits. */
export class Absence {
  readonly network: TestNetwork
  readonly keys: Buffer[]
  #gone: [string, KeyPair][] = []

  constructor(t: TestContext, changes: Partial<Parameters> = {}, plan: Partial<Plan> = {}) {
    const names = ['signer-1', 'signer-2', 'signer-3', 'signer-4', ...PINNERS]
    this.network = new TestNetwork(
      { repairMs: 4_000, offlineMaxMs: 12_000, surplusMs: 6_000, massOutageMs: 0, ...changes },
      names
    )
    closeAfter(t, () => this.network.close())
    for (const name of names) this.network.register(name, name.split('-')[0] as 'signer')
    this.keys = HYPERCORES.map((name) => this.network.sponsor(name, plan))
    for (let n = 0; n < 300 && this.copies.filter(({ state }) => state === 'active').length < 6; n++)
      this.play(1)
    // Every copy has passed a challenge.
    this.play(25)
  }

  get copies(): CopyView[] {
    return this.keys.flatMap((key) => this.network.ledger.hypercore(key)!.copies)
  }

  /** Who holds copies of fewest hypercores, but one, and one of its copies. */
  get someone(): { pinner: KeyPair; copy: CopyView } {
    const held = PINNERS.map((name) => {
      const pinner = identity(name)
      return {
        pinner,
        held: this.copies.filter((copy) => copy.pinner && pinner.publicKey.equals(copy.pinner))
      }
    }).filter(({ held }) => held.length > 0)
    const [{ pinner, held: own }] = held.sort((a, b) => a.held.length - b.held.length) as [(typeof held)[0]]
    return { pinner, copy: own[0]! }
  }

  role({ publicKey }: KeyPair): RoleView {
    return this.network.ledger.account(publicKey).roles[0]!
  }

  copy(id: number): CopyView {
    return this.network.ledger.copy(id)!
  }

  /** From now on nothing comes of it. */
  leave({ publicKey }: KeyPair): void {
    const name = publicKey.toString('hex')
    this.#gone.push([name, this.network.identities.get(name)!])
    this.network.identities.delete(name)
  }

  back(): void {
    for (const [name, keyPair] of this.#gone.splice(0)) this.network.identities.set(name, keyPair)
  }

  /** So many ticks, in which everybody who is there does what is asked, or, without `make`, makes no copies. */
  play(ticks: number, make = true): void {
    for (let n = 0; n < ticks; n++) {
      this.network.tick()
      if (make) this.network.work()
      else {
        this.network.acknowledge()
        for (const keyPair of this.network.identities.values()) this.network.answer(keyPair)
        this.network.settle()
      }
    }
  }

  /** Plays until something holds. */
  until(holds: () => boolean, what: string, make = true): void {
    for (let n = 0; n < 400 && !holds(); n++) this.play(1, make)
    assert.ok(holds(), what)
  }

  effects<K extends EffectKind>(kind: K, from = 0): EffectBody<K>[] {
    const out: Effect[] = []
    for (let seq = from; seq < this.network.ledger.length(); seq++)
      out.push(...this.network.ledger.effects(seq)!.effects)
    return out.filter((effect) => effect.kind === kind) as unknown as EffectBody<K>[]
  }

  outcomes(copy: number, from: number): { outcome: string; paid: bigint }[] {
    return this.effects('settled', from)
      .filter((of) => of.copy === copy)
      .map(({ outcome, paid }) => ({ outcome, paid }))
  }

  /** Steps of the walk that a copy is asked for next. */
  walk({ publicKey }: KeyPair, copy: number): number {
    const asked = (): ChallengeView | undefined =>
      this.network.ledger.challenges(publicKey).find((challenge) => challenge.copy === copy)
    for (let n = 0; n < 20 && !asked(); n++) this.network.tick()
    return asked()!.steps
  }

  sayBack(pinner: KeyPair): string {
    const { body, detail } = answerOf([])
    return this.network.code(pinner, { kind: 'answer', body }, detail)
  }
}
