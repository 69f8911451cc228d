import type { Outcome } from '../protocol/operations.js'
import type { EffectBody } from '../protocol/effects.js'
import { DatdotError } from '../errors.js'
import { Member, type MemberOptions } from '../roles/member.js'

/** How a copy has done so far. */
export interface CopyRecord {
  hypercore: Buffer
  storage: Partial<Record<Outcome, number>>
  retrieval: Partial<Record<Outcome, number>>
}

/** What a bystander sees of the chain: its log, followed like any other peer follows it. */
export class Observer {
  readonly member: Member
  /** Copies by id, from when they became active. */
  readonly copies = new Map<number, CopyRecord>()
  /** Copies that were lost or released since. */
  readonly gone = new Set<number>()
  epoch = 0
  round = 0
  #changed: (() => void)[] = []

  private constructor(member: Member) {
    this.member = member
  }

  static async open(options: MemberOptions): Promise<Observer> {
    const observer = new Observer(await Member.open(options))
    observer.member.run('observe', () => observer.#observe())
    return observer
  }

  /**
   * Waits until `holds` does; asked after every entry of the log.
   *
   * @throws DatdotError WAITED_TOO_LONG; the signal's reason
   */
  async until(
    what: string,
    holds: () => boolean,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }
  ): Promise<void> {
    const until = performance.now() + timeoutMs
    while (!holds()) {
      signal.throwIfAborted()
      if (performance.now() > until) {
        throw new DatdotError(
          'WAITED_TOO_LONG',
          `${what} did not happen within ${Math.round(timeoutMs / 1000)} s`
        )
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500)
        this.#changed.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async close(): Promise<void> {
    await this.member.close()
  }

  async #observe(): Promise<void> {
    const { chain, signal } = this.member
    for await (const { operation, effects } of chain.events({ from: 0, signal })) {
      if (operation.kind === 'tick') this.round = operation.body.round
      for (const effect of effects?.effects ?? []) {
        if (effect.kind === 'epochBegan') this.epoch = effect.epoch
        else if (effect.kind === 'activated') this.#activate(effect)
        else if (effect.kind === 'settled') count(this.copies.get(effect.copy)?.storage, effect.outcome)
        else if (effect.kind === 'checked') count(this.copies.get(effect.copy)?.retrieval, effect.outcome)
        else if (effect.kind === 'lost' || effect.kind === 'released') this.gone.add(effect.copy)
      }
      const waiting = this.#changed
      this.#changed = []
      for (const wake of waiting) wake()
    }
  }

  #activate({ copy, hypercore }: EffectBody<'activated'>): void {
    this.copies.set(copy, { hypercore, storage: {}, retrieval: {} })
  }
}

function count(tally: Partial<Record<Outcome, number>> | undefined, outcome: Outcome): void {
  if (tally) tally[outcome] = (tally[outcome] ?? 0) + 1
}
