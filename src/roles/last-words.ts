import type { AssignmentView } from '../protocol/views.js'
import type { Member } from './member.js'

/** How long before the end of its time who owes a word says what is left to say: long enough for a chain that is busy. */
const LAST_WORD_MS = 60_000

/** Has a role say something of each draw that waits for its word before its time is over, since who is silent pays alone. */
export class LastWords {
  readonly #member: Pick<Member, 'chain' | 'signal' | 'run' | 'pause'>
  readonly #say: (assignment: AssignmentView) => Promise<void>
  /** Deadlines of the draws that are watched. */
  readonly #watched = new Map<number, number>()

  /** @param say is called for a draw that still waits, shortly before it does no more */
  constructor(
    member: Pick<Member, 'chain' | 'signal' | 'run' | 'pause'>,
    say: (assignment: AssignmentView) => Promise<void>
  ) {
    this.#member = member
    this.#say = say
  }

  /** Begins with draws that wait for this role's word, and forgets all others. */
  work(waiting: readonly AssignmentView[]): void {
    const draws = new Set(waiting.map(({ draw }) => draw))
    for (const draw of this.#watched.keys()) if (!draws.has(draw)) this.#watched.delete(draw)
    for (const { draw, task } of waiting) {
      const { deadline } = task
      if (deadline === null || this.#watched.get(draw) === deadline) continue
      this.#watched.set(draw, deadline)
      this.#member.run(`last word of draw ${draw}`, () => this.#watch(draw, deadline))
    }
  }

  async #watch(draw: number, deadline: number): Promise<void> {
    const { chain, signal } = this.#member
    let marginMs: number | undefined
    for (;;) {
      // Chain time stands still while the chain is away.
      const leftMs = deadline - (await chain.info({ signal })).clockNow
      marginMs ??= Math.min(LAST_WORD_MS, leftMs / 4)
      if (this.#watched.get(draw) !== deadline) return
      if (leftMs <= marginMs) break
      await this.#member.pause(leftMs - marginMs)
      if (signal.aborted) return
    }
    const assignments = await chain.assignments({ signal })
    const assignment = assignments.find((open) => open.draw === draw && open.task.deadline === deadline)
    if (assignment) await this.#say(assignment)
  }
}
