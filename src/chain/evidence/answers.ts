import { ChainError, EngineError } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { KeyPair } from '../../crypto/keys.js'
import { hash } from '../../crypto/hash.js'
import { maxSliceEvidenceBytes, sliceEvidenceHash } from '../../evidence/slice-evidence.js'
import { signEvidenceReceipt, type EvidenceReceipt } from '../../protocol/receipt.js'
import type { EvidenceIntake } from '../../client/evidence-intake.js'
import type { VerifyAnswers } from '../../evidence/tasks.js'
import type { LedgerApi } from '../../ledger/types.js'
import type { Parameters } from '../../protocol/parameters.js'
import type { Outcome } from '../../protocol/operations.js'
import { judgeEvidence, type Verdict } from '../../evidence/verdict.js'
import type { ChallengeView } from '../../protocol/views.js'
import { equal } from '../../bytes.js'
import { turn } from '../../wait.js'
import { EvidenceInbox, type Case, type Sender } from './inbox.js'
import type { EvidenceKeeper } from './store.js'
import type { TroubledInputs } from './troubled.js'

/** What a pinner says of the evidence that it is about to send. */
export interface AnnouncedEvidence {
  challenge: number
  bytes: number
}

/** Answers that one call of a worker checks, and the bytes at which a call ends early. */
export const TASKS_PER_CALL = 32
const BYTES_PER_CALL = 16 << 20
/** Calls at a time: enough that no thread waits for the next message. */
export const CALLS = 8
/** Verdicts in one settle. */
const SETTLE_MAX = 512
/** Overdue challenges looked at in one tick. */
const OVERDUE_MAX = 1024
/** Challenges that are remembered as not checked for a reason of ours. */
const TROUBLED_MAX = 100_000

const NO_HASH = Buffer.alloc(32)

interface Settled {
  challenge: number
  outcome: Outcome
  /** Given up once the settle is on the log. */
  open?: Case<ChallengeView>
}

/** What both kinds of evidence need of a chain. */
export interface EvidencePorts {
  ledger: LedgerApi
  intake: EvidenceIntake
  store: EvidenceKeeper
  /** Keeps what could not be worked on, for whoever looks into it. */
  troubled: Pick<TroubledInputs, 'add'>
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
  /** The chain's, for receipts. */
  keyPair: KeyPair
}

/** Takes the evidence of answered challenges, has it checked, keeps it, and settles the challenges. */
export class Answers {
  readonly #ports: AnswerPorts
  readonly #inbox: EvidenceInbox<ChallengeView>
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
    const { began, intake, log, time, troubled: kept } = ports
    this.#startRound = began.round
    // Half of what the rules give for the verdict; the other half is left to check it.
    this.#againBy = time() + Math.floor(began.parameters.settleGraceMs / 2)
    this.#inbox = new EvidenceInbox({
      intake,
      log,
      time,
      kept,
      nameOf: (id) => `challenge ${id}`,
      latest: (challenge) => this.#latest(challenge),
      check: (open) => this.#checkNamed(open),
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
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, `CHAIN_BUSY`
   */
  async begin(sender: Sender, { challenge: id, bytes }: AnnouncedEvidence): Promise<number> {
    const { ledger, time } = this.#ports
    const arrived = time()
    const challenge = await ledger.challenge(id)
    if (challenge?.state !== 'answered' || !equal(challenge.pinner, sender.key))
      throw this.#inbox.notAsked(id)
    const most = maxSliceEvidenceBytes(challenge)
    const evidence = { id, view: challenge, arrived, bytes, least: 1, most }
    this.#inbox.admit(evidence)
    return this.#inbox.begin(evidence, sender)
  }

  /**
   * Takes the next piece of an upload, as `EvidenceInbox.piece` does. Who has sent all of it gets the chain's word for it.
   *
   * @throws ChainError also `EVIDENCE_CLAIM` if what came is not what the answer named
   */
  async piece(
    connection: object,
    upload: number,
    offset: number,
    bytes: Uint8Array
  ): Promise<{ received: number; receipt: EvidenceReceipt | null }> {
    const { ledger, keyPair, time } = this.#ports
    const { id, view, upload: taken, complete } = await this.#inbox.piece(connection, upload, offset, bytes)
    const said = { challenge: id, evidence: view.evidence ?? NO_HASH, at: time() }
    return {
      received: taken.received,
      receipt: complete ? signEvidenceReceipt(ledger.chainId, keyPair, said) : null
    }
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
      this.#settle({ challenge, outcome: 'failure' })
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

  /** What the answer did not name is not taken: it would prove nothing, and what was named may still come. */
  async #checkNamed({ id, view: { evidence }, upload }: Case<ChallengeView>): Promise<void> {
    const parts: Uint8Array[] = []
    for await (const part of upload.parts()) parts.push(part)
    const came = sliceEvidenceHash(parts.length === 1 ? parts[0]! : Buffer.concat(parts), { hash })
    if (evidence && equal(came, evidence)) return
    throw new ChainError(
      'EVIDENCE_CLAIM',
      `This evidence of challenge ${id} is not the one that was answered with`
    )
  }

  /** The latest chain time for evidence: after a restart of the chain a pinner may have to send it once more. */
  #latest({ evidenceBy, round }: ChallengeView): number {
    return round <= this.#startRound ? Math.max(evidenceBy, this.#againBy) : evidenceBy
  }

  async #check(cases: Case<ChallengeView>[]): Promise<void> {
    const tasks = await Promise.all(
      cases.map(async ({ view: challenge, upload }) => {
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
      cases.map(async (open, i) => {
        try {
          const verdict = verdicts[i]!
          if (verdict instanceof EngineError) throw verdict
          await this.#conclude(open, verdict)
        } catch (error) {
          // It stays as it is until its deadline, and counts as unknown then.
          await this.#inbox.trouble(open, error)
        }
      })
    )
  }

  /** Keeps the evidence, then settles: a settle never names evidence that is not public. */
  async #conclude(open: Case<ChallengeView>, verdict: Verdict): Promise<void> {
    const { id, upload, view } = open
    const { store, time, log } = this.#ports
    const { hash } = verdict
    const { outcome, fault } = judgeEvidence(verdict, view.evidence ?? NO_HASH)
    if (fault) log('chain.answer-refused', { challenge: id, ...fault })
    // It may have been kept before a crash that came before the settle.
    if (!store.find({ kind: 'answer', id })) {
      await store.add({ kind: 'answer', id, hash, at: time() }, upload.parts())
    }
    this.#settle({ challenge: id, outcome, open })
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
      // As many verdicts as one operation can hold.
      const settled = this.#toSettle.splice(0, SETTLE_MAX)
      const items = settled.map(({ challenge, outcome }) => ({ challenge, outcome }))
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
}
