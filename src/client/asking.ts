import { SwarmError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import {
  questions,
  type ClientQuestions,
  type Form,
  type Question,
  type QuestionName
} from '../protocol/rpc/questions.js'
import type { Page } from '../protocol/views.js'
import type { CallOptions, ChainConnection } from './connection.js'

type Ask = (args: unknown[], options: CallOptions | undefined) => Promise<unknown>

/** Has every question of the table as a method: its arguments, then the options of a call. */
abstract class QuestionsAsMethods extends Resource {
  protected abstract asked(): Pick<ChainConnection, 'call'>

  static {
    for (const name of Object.keys(questions) as QuestionName[]) {
      const { form, arity } = questions[name] as Question<unknown[], unknown, Form>
      Object.defineProperty(this.prototype, name, {
        writable: true,
        configurable: true,
        value(this: QuestionsAsMethods, ...given: unknown[]): Promise<unknown> {
          const ask: Ask = (args, options) => this.asked().call(name, args as never, options)
          if (form === 'paged') return allPages(ask, given[0] as CallOptions | undefined)
          return ask(given.slice(0, arity), given[arity] as CallOptions | undefined)
        }
      })
    }
  }
}

/** What a client is made from: it says whom it asks, and has all questions as methods. */
export const Asking = QuestionsAsMethods as unknown as abstract new () => QuestionsAsMethods &
  ClientQuestions<CallOptions>

async function allPages(ask: Ask, options: CallOptions | undefined): Promise<unknown[]> {
  const all: unknown[] = []
  for (let after: number | null = null; ;) {
    const { rows, next } = (await ask([after], options)) as Page<unknown>
    all.push(...rows)
    if (next === null) return all
    // Pages go forward, or they would never end.
    if (next <= (after ?? -1)) throw new SwarmError('RPC_PROTOCOL', 'The chain repeats a page')
    after = next
  }
}
