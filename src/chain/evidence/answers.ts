import { ChainError } from '../../errors.js'
import type { Logger } from '../../log.js'
import { verifyClaim, type EvidenceClaim } from '../../protocol/claim.js'
import type { EvidenceIntake } from '../../client/evidence-intake.js'
import type { VerifyAnswers } from '../../evidence/tasks.js'
import type { LedgerApi } from '../../ledger/types.js'
import type { Parameters } from '../../protocol/parameters.js'
import { DETAIL_BYTES_MAX, type Outcome, type WalkDetail } from '../../protocol/operations.js'
import { judgeEvidence, nothingKept, type Verdict } from '../../evidence/verdict.js'
import type { ChallengeView } from '../../protocol/views.js'
import { EVIDENCE_PREFIX_BYTES, maxEvidenceBytes } from '../../evidence/format.js'
import { equal } from '../../bytes.js'
import { turn } from '../../wait.js'
import { EvidenceInbox, type Case, type Sender } from './inbox.js'
import type { EvidenceKeeper } from './store.js'

/** What a pinner says of the evidence that it is about to send. */
export interface AnnouncedEvidence extends EvidenceClaim {
  bytes: number
  /** `signClaim`. */
  signature: Uint8Array
}

/** Answers that one call of a worker checks, and the bytes at which a call ends early. */
export const TASKS_PER_CALL = 32
const BYTES_PER_CALL = 16 << 20
/** Calls at a time: enough that no thread waits for the next message. */
export const CALLS = 8
/** Verdicts in one settle. */
const SETTLE_MAX = 512
/** Bytes of walks in one settle, and what a step takes of them at the most: state, leaf, index. */
const SETTLE_BYTES = DETAIL_BYTES_MAX / 2
const STEP_BYTES = 32 + 32 + 9
/** Overdue challenges looked at in one tick. */
const OVERDUE_MAX = 1024
/** Challenges that are remembered as not checked for a reason of ours. */
const TROUBLED_MAX = 100_000

const NO_HASH = Buffer.alloc(32)

/** A challenge, and the evidence that its pinner signed for. */
interface Answered {
  challenge: ChallengeView
  claimed: Uint8Array
  signature: Uint8Array
}

interface Settled {
  challenge: number
  outcome: Outcome
  walk: WalkDetail
  /** Given up once the settle is on the log. */
  open?: Case<Answered>
}

/** What both kinds of evidence need of a chain. */
export interface EvidencePorts {
  ledger: LedgerApi
  intake: EvidenceIntake
  store: EvidenceKeeper
  /** Chain time now, in ms. */
  time: () => number
  log: Logger
  /** Is told when the log has grown, and to what length. */
  onCommit: (length: number) => void
  /** Beacon round and rules when this process began. */
  began: { round: number; parameters: Parameters }
}

export interface AnswerPorts extends EvidencePorts {
  verify: VerifyAnswers
}

/** Takes the evidence of answered challenges, has it checked, keeps it, and settles the challenges. */
export class Answers {
  readonly #ports: AnswerPorts
  readonly #inbox: EvidenceInbox<Answered>
  #toSettle: Settled[] = []
  /** Challenges with a verdict that waits for the ledger, or is being logged. */
  readonly #deciding = new Set<number>()
  #settling: Promise<void> | null = null
  /** Beacon round in which this process began: it lost what was sent to the one before. */
  readonly #startRound: number
  /** Until then, in chain time, what was asked for in that round or before may be sent again. */
  readonly #againBy: number

  constructor(ports: AnswerPorts) {
    this.#ports = ports
    const { began, intake, log, time } = ports
    this.#startRound = began.round
    // Half of what the rules give for the verdict; the other half is left to check it.
    this.#againBy = time() + Math.floor(began.parameters.settleGraceMs / 2)
    this.#inbox = new EvidenceInbox({
      intake,
      log,
      time,
      nameOf: (id) => `challenge ${id}`,
      latest: ({ challenge }) => this.#latest(challenge),
      work: (cases) => this.#check(cases),
      calls: CALLS,
      casesPerCall: TASKS_PER_CALL,
      bytesPerCall: BYTES_PER_CALL,
      troubled: TROUBLED_MAX
    })
  }

  /**
   * Makes room for the evidence of a challenge, in place of an upload of it that is not complete.
   *
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, `EVIDENCE_SIGNATURE`, `CHAIN_BUSY`
   */
  async begin(sender: Sender, announced: AnnouncedEvidence): Promise<number> {
    const { ledger, time } = this.#ports
    const { challenge: id, bytes, hash: claimed, signature } = announced
    const arrived = time()
    const challenge = await ledger.challenge(id)
    if (challenge?.state !== 'answered' || !equal(challenge.pinner, sender.key))
      throw this.#inbox.notAsked(id)
    const most = maxEvidenceBytes(challenge)
    const least = EVIDENCE_PREFIX_BYTES + 1
    const evidence = { id, view: { challenge, claimed, signature }, arrived, bytes, least, most }
    this.#inbox.admit(evidence)
    if (!verifyClaim(ledger.chainId, sender.key, announced, signature)) {
      throw new ChainError(
        'EVIDENCE_SIGNATURE',
        `The pinner has not signed for this evidence of challenge ${id}`
      )
    }
    return this.#inbox.begin(evidence, sender)
  }

  /** Takes the next piece of an upload, as `EvidenceInbox.piece` does. */
  piece(connection: object, upload: number, offset: number, bytes: Uint8Array): Promise<number> {
    return this.#inbox.piece(connection, upload, offset, bytes)
  }

  /** Gives up the incomplete uploads of a connection that is gone. */
  forget(connection: object): void {
    this.#inbox.forget(connection)
  }

  /** Settles as failed what was answered but not proven in time. To be called after every tick. */
  async overdue(): Promise<void> {
    const { ledger, time } = this.#ports
    const now = time()
    const after = now <= this.#againBy ? this.#startRound : -1
    for (const challenge of await ledger.overdue(now, OVERDUE_MAX, after)) {
      const inbox = this.#inbox
      if (inbox.isTaken(challenge) || inbox.isTroubled(challenge) || this.#deciding.has(challenge)) continue
      inbox.giveUp(challenge)
      this.#settle({ challenge, outcome: 'failure', walk: nothingKept })
    }
  }

  /** Challenges of a pinner that are answered and whose evidence is not here yet, oldest first. */
  async due(pinner: Uint8Array, limit: number): Promise<ChallengeView[]> {
    const answered = await this.#ports.ledger.answeredOf(pinner, limit)
    return answered.filter(({ id }) => !this.#inbox.isTaken(id))
  }

  /** Waits for checks that are running, and settles them. */
  async close(): Promise<void> {
    await this.#inbox.close()
    while (this.#settling) await this.#settling
  }

  /** The latest chain time for evidence: after a restart of the chain a pinner may have to send it once more. */
  #latest({ evidenceBy, round }: ChallengeView): number {
    return round <= this.#startRound ? Math.max(evidenceBy, this.#againBy) : evidenceBy
  }

  async #check(cases: Case<Answered>[]): Promise<void> {
    const tasks = await Promise.all(
      cases.map(async ({ view: { challenge }, upload }) => {
        const { seed, steps, segments, answer } = challenge
        return {
          challenge: { seed, steps, segments },
          lastState: answer ?? NO_HASH,
          evidence: await upload.bytes()
        }
      })
    )
    const verdicts = await this.#ports.verify(tasks)
    await Promise.all(
      cases.map((open, i) =>
        this.#conclude(open, verdicts[i] as Verdict).catch((error: unknown) =>
          // It stays as it is until its deadline, and counts as unknown then.
          this.#inbox.trouble(open, error)
        )
      )
    )
  }

  /** Keeps the evidence, then settles: a settle never names evidence that is not public. */
  async #conclude(open: Case<Answered>, verdict: Verdict): Promise<void> {
    const { id, upload } = open
    const { claimed, signature } = open.view
    const { store, time, log } = this.#ports
    const { outcome, fault, walk } = judgeEvidence(verdict, claimed)
    if (fault) log('chain.answer-refused', { challenge: id, ...fault })
    const { evidence: hash } = walk
    const kept = store.find({ kind: 'answer', id })
    if (!equal(hash, NO_HASH) && !(kept && equal(kept.hash, hash))) {
      // Kept before a crash that came before the settle, and sent again differently.
      if (kept) await store.remove({ kind: 'answer', id })
      await store.add({ kind: 'answer', id, hash, signature, at: time() }, upload.parts())
    }
    this.#settle({ challenge: id, outcome, walk, open })
  }

  #settle(settled: Settled): void {
    this.#toSettle.push(settled)
    this.#deciding.add(settled.challenge)
    this.#settling ??= this.#flush()
  }

  /** Logs what is decided, one operation after the other. */
  async #flush(): Promise<void> {
    // One turn of the event loop: what is decided in it goes into one operation.
    await turn()
    while (this.#toSettle.length > 0) {
      const settled = this.#nextSettled()
      const items = settled.map(({ challenge, outcome, walk }) => ({ challenge, outcome, walk }))
      try {
        const receipt = await this.#ports.ledger.settle(items, { now: this.#ports.time() })
        if (receipt) this.#ports.onCommit(receipt.seq + 1)
      } catch (error) {
        this.#ports.log('chain.settle-failed', { error: error as Error, challenges: items.length })
      }
      for (const { challenge, open } of settled) {
        this.#deciding.delete(challenge)
        if (open) this.#inbox.drop(open)
      }
    }
    this.#settling = null
  }

  /** As many verdicts as one operation can hold. */
  #nextSettled(): Settled[] {
    let bytes = 0
    let end = 0
    for (const { walk } of this.#toSettle) {
      bytes += walk.states.length * STEP_BYTES
      if (end > 0 && (end >= SETTLE_MAX || bytes > SETTLE_BYTES)) break
      end++
    }
    return this.#toSettle.splice(0, end)
  }
}
