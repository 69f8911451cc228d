import type { Clock } from '../clock.js'
import { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import { deadline, joinSignals, pause } from '../wait.js'

/** What an operator is to be told of before it costs a deposit; docs/operating.md says what to do. */
export const alertNames = ['reputation', 'deposit', 'disk', 'behind', 'clock', 'chain'] as const
export type AlertName = (typeof alertNames)[number]

/** What a webhook is given, as JSON. */
interface Message {
  alert: AlertName
  state: 'raised' | 'cleared'
  role: string
  /** What is wrong, in words; of a cleared one what was. */
  why: string
  /** When, as an ISO date. */
  at: string
}

export interface AlertsOptions {
  /** Where each change is sent by POST; nowhere if undefined. */
  webhook?: string | undefined
  clock: Clock
}

/** Messages that may wait for a webhook which does not answer; the oldest goes for the newest. */
const WAITING_MAX = 100
/** How long a webhook may take, how often it is tried, and how long between. */
const POST_MS = 10_000
const TRIES = 3
const AGAIN_MS = 30_000

/** Which alerts are raised. Each change is logged, and sent to a webhook: once, however long it lasts. */
export class Alerts extends Resource {
  readonly #options: AlertsOptions
  readonly #raised = new Map<string, { name: AlertName; role: string; why: string }>()
  readonly #waiting: { message: Message; log: Logger }[] = []
  #sending: Promise<void> | null = null

  constructor(options: AlertsOptions) {
    super()
    this.#options = options
  }

  protected start(): Promise<void> {
    this.owe('messages', () => this.#sending)
    return Promise.resolve()
  }

  /** Alerts that are raised, by role. */
  get raised(): { name: AlertName; role: string; why: string }[] {
    return [...this.#raised.values()]
  }

  /** Says what is wrong of a role, in words, or that nothing is. */
  set(role: string, name: AlertName, why: string | null, log: Logger): void {
    const id = `${role} ${name}`
    const before = this.#raised.get(id)
    if (why === null ? !before : before) {
      if (before && why !== null) before.why = why
      return
    }
    if (why === null) this.#raised.delete(id)
    else this.#raised.set(id, { name, role, why })
    const state = why === null ? 'cleared' : 'raised'
    const said = why ?? before!.why
    log(`alert.${state}`, { alert: name, why: said })
    const at = new Date(this.#options.clock.wall()).toISOString()
    this.#post({ alert: name, state, role, why: said, at }, log)
  }

  #post(message: Message, log: Logger): void {
    if (this.#options.webhook === undefined || this.signal.aborted) return
    if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift()
    this.#waiting.push({ message, log })
    this.#sending ??= this.#send(this.#options.webhook).finally(() => (this.#sending = null))
  }

  async #send(webhook: string): Promise<void> {
    const { clock } = this.#options
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      for (let left = TRIES; left > 0; left--) {
        try {
          await this.#postOnce(webhook, next.message)
          break
        } catch (error) {
          if (this.signal.aborted) return
          if (left === 1) next.log('alert.unsent', { alert: next.message.alert, error: error as Error })
          else if (!(await pause(clock, AGAIN_MS, this.signal))) return
        }
      }
      if (this.#waiting[0] === next) this.#waiting.shift()
    }
  }

  async #postOnce(webhook: string, message: Message): Promise<void> {
    const stop = new AbortController()
    const { signal, release } = joinSignals(stop.signal, this.signal)
    const posted = fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      redirect: 'error',
      signal
    })
    try {
      const error = (): Error => new Error(`the webhook did not answer within ${POST_MS} ms`)
      const answer = await deadline(posted, { clock: this.#options.clock, ms: POST_MS, error })
      await answer.body?.cancel()
      if (!answer.ok) throw new Error(`the webhook answers with ${answer.status}`)
    } finally {
      stop.abort()
      release()
    }
  }
}
