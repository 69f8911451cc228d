import * as idEncoding from 'hypercore-id-encoding'
import { DatdotError } from '../errors.js'
import type { Problem } from '../ledger/rules/problems.js'
import { blocksOf, type BlockRange } from '../protocol/ranges.js'

/** Why something is not as it was wanted, or waits, as programs say it: under `--json` these fields and no others. */
export interface SaidProblem {
  code: Problem['code']
  message: string
  /** z-base-32 of whom it is about; null where it is nobody's. */
  who: string | null
}

export function saidProblem({ code, message, who }: Problem): SaidProblem {
  return { code, message, who: who === null ? null : idEncoding.encode(Buffer.from(who)) }
}

/** What ended something. */
export function problemOf(error: unknown, who: Uint8Array | null = null): SaidProblem {
  const message = error instanceof Error ? error.message : String(error)
  return saidProblem({ code: error instanceof DatdotError ? error.code : 'UNEXPECTED', message, who })
}

/** In one line. @param nameOf how a key is called */
export function problemText({ code, message, who }: SaidProblem, nameOf = (key: string) => key): string {
  return `${who === null ? '' : `${nameOf(who)}: `}${message} [${code}]`
}

/** Ranges of blocks that are named one by one. */
const RANGES_NAMED = 5

/** What is said of blocks that nobody has; null where there are none. */
export function holesProblem(key: Uint8Array, holes: readonly BlockRange[]): SaidProblem | null {
  if (holes.length === 0) return null
  const names = holes
    .slice(0, RANGES_NAMED)
    .map(({ start, end }) => (end - start === 1 ? `${start}` : `${start} to ${end - 1}`))
  const more = holes.length > RANGES_NAMED ? ` and ${holes.length - RANGES_NAMED} more ranges` : ''
  const message = `${blocksOf(holes)} blocks are served by nobody (${names.join(', ')}${more}): all others are kept, these are left out`
  return saidProblem({ code: 'HYPERCORE_HOLES', message, who: key })
}

/** Problems that last: what is over by the next look needs nobody's attention. */
export class LastingProblems {
  readonly #looks: number
  readonly #seen = new Map<string, number>()

  /** @param looks so often in a row it must be there */
  constructor(looks: number) {
    this.#looks = looks
  }

  /** Is told what is there now; returns what lasts, each once for as long as it does. */
  look(problems: readonly SaidProblem[]): SaidProblem[] {
    const now = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
    for (const id of this.#seen.keys()) if (!now.has(id)) this.#seen.delete(id)
    const lasting: SaidProblem[] = []
    for (const [id, problem] of now) {
      const looks = (this.#seen.get(id) ?? 0) + 1
      this.#seen.set(id, looks)
      if (looks === this.#looks) lasting.push(problem)
    }
    return lasting
  }
}
