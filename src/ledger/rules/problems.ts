import type { ErrorCode } from '../../errors.js'
import type { Parameters } from '../../protocol/parameters.js'
import type { CopyView, HypercoreView, TaskTrouble } from '../../protocol/views.js'
import { growthReserve } from './growth.js'

/** Why something is not as it was wanted, or waits. */
export interface Problem {
  code: ErrorCode
  /** For people, in one sentence. */
  message: string
  /** Key of whom it is about, or whose doing it is: a role's, or a hypercore's. Null where it is nobody's. */
  who: Uint8Array | null
}

const TROUBLES: Readonly<Record<TaskTrouble, { code: ErrorCode; why: string }>> = {
  candidates: {
    code: 'DRAW_NOBODY',
    why: 'nobody is left to be drawn who has the room and the deposit for it'
  },
  balance: { code: 'COPY_UNPAID', why: 'the balance does not pay for encoding it' },
  silent: { code: 'DRAW_SILENT', why: 'who was drawn for it said neither yes nor no' },
  busy: { code: 'DRAW_BUSY', why: 'who was drawn for it has no room, or cannot write now' },
  unreachable: {
    code: 'HYPERCORE_UNREACHABLE',
    why: 'who was drawn for it found nobody who serves the hypercore'
  },
  mismatch: {
    code: 'ORIGINAL_MISMATCH',
    why: 'what is served is not the hypercore that the chain has on record'
  },
  declined: { code: 'DRAW_DECLINED', why: 'who was drawn for it said no, or gave up' },
  fault: { code: 'SIGNER_FAULT', why: 'its pinner has shown that what its signer sent does not hold' },
  late: { code: 'SIGNER_LATE', why: 'its signer delivered nothing in its time' },
  unaccepted: { code: 'PINNER_SILENT', why: 'its pinner did not say in its time what came of the delivery' },
  unserved: {
    code: 'HYPERCORE_UNREACHABLE',
    why: 'nobody serves the hypercore: neither pinner nor signer found it'
  }
}

/** What of a hypercore is not as its plan wants it, and why: of itself first, then of each copy. */
export function problemsOf(view: HypercoreView, p: Parameters): Problem[] {
  const { key, state, fork, length, waits, conflict, graceUntil, unserved, balance, plan } = view
  const found: Problem[] = []
  const say = (code: ErrorCode, message: string): void => void found.push({ code, message, who: key })
  if (state === 'lapsed') {
    if (unserved) {
      say(
        'HYPERCORE_UNREACHABLE',
        'its plan has ended: pinners and signers looked for it often, and nobody serves it'
      )
    } else say('HYPERCORE_LAPSED', `its plan has ended unpaid: pinners delete their copies, ${GONE}`)
    return found
  }
  if (state === 'grace') say('PLAN_IN_GRACE', `its balance does not pay what is due: ${endOf(graceUntil!)}`)
  if (length === 0) say('HYPERCORE_EMPTY', 'it has no blocks yet, and waits for the first')
  if (conflict !== null) {
    say('HYPERCORE_CONFLICTED', 'its author has signed two trees of one length: it does not grow any more')
  }
  if (waits) {
    say(
      'FORK_EARLY',
      `its author has taken more than half away: fork ${waits.fork} follows fork ${fork} from chain time ${waits.until} ms on`
    )
  }
  const held = view.copies.filter(({ state }) => state === 'active').map(({ bytes }) => bytes)
  const least = { bytes: 0, blocks: 1, ageMs: 0, copies: held, every: plan.every, fee: 0n }
  if (state === 'active' && held.length > 0 && balance < growthReserve(least, p)) {
    say('GROWTH_UNPAID', 'its balance would not pay for growth, and a grace of what is due then')
  }
  return [...found, ...view.copies.flatMap((copy) => copyProblems(copy, p))]
}

/** What keeps a copy from being whole, or from counting. */
export function copyProblems(copy: CopyView, p: Parameters): Problem[] {
  const { id, task, pinner, score, missedSince, goneSince } = copy
  const found: Problem[] = []
  if (task?.trouble) {
    const { code, why } = TROUBLES[task.trouble.what]
    found.push({ code, message: `copy ${id} is not whole: ${why}`, who: task.trouble.by })
  }
  if (missedSince !== null) {
    const meanwhile = goneSince === null ? '' : '; another copy is made meanwhile'
    found.push({
      code: 'COPY_MISSED',
      message: `copy ${id} is missed: its pinner is away${meanwhile}`,
      who: pinner
    })
  } else if (score >= p.failureForgivenBy) {
    found.push({
      code: 'COPY_FAILING',
      message: `copy ${id} has failed: its pinner could not show it`,
      who: pinner
    })
  }
  return found
}

/** Whoever has read something has it. */
export const GONE = 'and what readers have of it nobody can take back'

function endOf(clock: number): string {
  return `from chain time ${clock} ms on pinners delete their copies unless it is given more, ${GONE}`
}
