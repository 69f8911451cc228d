import type { Outcome } from '../protocol/operations.js'
import type { EffectBody } from '../protocol/effects.js'
import { DatdotError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { Member, type MemberOptions } from '../roles/member.js'
import { Wakeup } from '../wait.js'

/** How a copy has done so far. */
export interface CopyRecord {
  hypercore: Uint8Array
  pinner: Uint8Array
  storage: Partial<Record<Outcome, number>>
  retrieval: Partial<Record<Outcome, number>>
}

/** Looks again even where nothing was heard. */
const LOOK_MS = 500

/** What a bystander sees of the chain: its log, followed like any other peer follows it. */
export class Observer extends Resource {
  /** Copies by id, from when they became active. */
  readonly copies = new Map<number, CopyRecord>()
  /** Copies that were lost or released since. */
  readonly gone = new Set<number>()
  epoch = 0
  round = 0
  readonly #options: MemberOptions
  readonly #changed = new Wakeup()
  /** Entries that were read. */
  #length = 0
  #member!: Member

  constructor(options: MemberOptions) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    this.#member = await this.acquire('member', new Member(this.#options))
    this.#member.run('observe', () => this.#observe())
  }

  /** Copies that are neither lost nor released. */
  live(): CopyRecord[] {
    return [...this.copies].flatMap(([id, record]) => (this.gone.has(id) ? [] : [record]))
  }

  /** Reads the log up to where it is now, and counts outcomes from there on. */
  async beginAgain(patience: { timeoutMs: number; signal: AbortSignal }): Promise<void> {
    const { length } = (await this.member.chain.info({ timeoutMs: patience.timeoutMs })).chain
    await this.until('the log', () => this.#length >= length, patience)
    for (const record of this.copies.values()) [record.storage, record.retrieval] = [{}, {}]
  }

  /** How it takes part, once it is open. */
  get member(): Member {
    return this.#member
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
    const { clock } = this.#options
    const until = clock.now() + timeoutMs
    while (!holds()) {
      signal.throwIfAborted()
      if (clock.now() > until) {
        throw new DatdotError(
          'WAITED_TOO_LONG',
          `${what} did not happen within ${Math.round(timeoutMs / 1000)} s`
        )
      }
      await this.#changed.wait(clock, LOOK_MS, signal)
    }
  }

  async #observe(): Promise<void> {
    const { chain, signal } = this.member
    for await (const { seq, operation, effects } of chain.events({ from: 0, signal })) {
      if (operation.kind === 'tick') this.round = operation.body.round
      for (const effect of effects?.effects ?? []) {
        if (effect.kind === 'epochBegan') this.epoch = effect.epoch
        else if (effect.kind === 'activated') this.#activate(effect)
        else if (effect.kind === 'settled') count(this.copies.get(effect.copy)?.storage, effect.outcome)
        else if (effect.kind === 'checked') count(this.copies.get(effect.copy)?.retrieval, effect.outcome)
        else if (effect.kind === 'lost' || effect.kind === 'released') this.gone.add(effect.copy)
      }
      this.#length = seq + 1
      this.#changed.wake()
    }
  }

  #activate({ copy, hypercore, pinner }: EffectBody<'activated'>): void {
    this.copies.set(copy, { hypercore, pinner, storage: {}, retrieval: {} })
  }
}

function count(tally: Partial<Record<Outcome, number>> | undefined, outcome: Outcome): void {
  if (tally) tally[outcome] = (tally[outcome] ?? 0) + 1
}
