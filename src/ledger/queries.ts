import { ChainError } from '../errors.js'
import { outcomeNames, type Outcome } from '../protocol/operations.js'
import { encodedBytes } from '../protocol/codec.js'
import { HYPERCORES_PAGE, PAGE_BYTES, ROLES_PAGE, type LedgerAnswers } from '../protocol/rpc/questions.js'
import { hypercoreViewType } from '../protocol/rpc/views.js'
import type {
  AskView,
  AssignmentView,
  ChallengeView,
  HypercoreView,
  OpeningView,
  Page,
  RefusalView,
  SummaryView
} from '../protocol/views.js'
import type { ChecksAhead } from './checks-ahead.js'
import type { Row } from './database.js'
import { beaconOf } from './apply/draws.js'
import { LAYERS_MAX } from './rules/time.js'
import { copyById, copyFrom, hypercoreById, hypercoreByKey, hypercoreFrom, taskFrom } from './rows.js'
import { BURNED, ISSUED, MINTED, RESERVED, type Role, type State } from './state.js'
import * as views from './views.js'

/** Challenges and checks of one answer, if the asker does not say. */
const CHALLENGES_MAX = 2_048
const CHECKS_MAX = 4_096

/** What queries read. */
export interface Queried {
  state: State
  /** Only where the beacon's secret is. */
  ahead: ChecksAhead | null
}

/**
 * The query of every question of src/protocol/rpc/questions.ts, under its name and with its arguments; the ledger has them as
 * methods. A question without its query, or with another answer, does not compile.
 */
const answers = {
  account({ state }, of) {
    const key = Buffer.from(of)
    const wallet = state.wallet(key)
    if (!wallet) return { key, balance: 0n, nonce: 0, roles: [] }
    const roles = state.db
      .all('SELECT id FROM roles WHERE wallet = ? ORDER BY role', wallet.id)
      .map((row) => views.roleView(state, state.role(Number(row.id))))
    return { key, balance: wallet.balance, nonce: wallet.nonce, roles }
  },

  roles({ state }, after = null) {
    const rows = state.db.all(
      'SELECT id FROM roles WHERE id > ? ORDER BY id LIMIT ?',
      after ?? -1,
      ROLES_PAGE
    )
    const next = rows.length < ROLES_PAGE ? null : Number(rows.at(-1)!.id)
    return { rows: rows.map((row) => views.roleView(state, state.role(Number(row.id)))), next }
  },

  hypercore({ state }, key) {
    const hypercore = hypercoreByKey(state, Buffer.from(key))
    return hypercore && views.hypercoreView(state, hypercore)
  },

  /** As many as one answer should hold: how large each is depends on its copies. */
  hypercores({ state }, after = null, maxBytes = PAGE_BYTES): Page<HypercoreView> {
    const found = state.db.all(
      'SELECT * FROM hypercores WHERE id > ? ORDER BY id LIMIT ?',
      after ?? -1,
      HYPERCORES_PAGE
    )
    const rows: HypercoreView[] = []
    let bytes = 0
    for (const [index, row] of found.entries()) {
      const view = views.hypercoreView(state, hypercoreFrom(row))
      bytes += encodedBytes(hypercoreViewType, view)
      if (index > 0 && bytes > maxBytes) return { rows, next: Number(found[index - 1]!.id) }
      rows.push(view)
    }
    return { rows, next: found.length < HYPERCORES_PAGE ? null : Number(found.at(-1)!.id) }
  },

  copy({ state }, id) {
    const row = state.db.get('SELECT * FROM copies WHERE id = ?', id)
    if (!row) return null
    const copy = copyFrom(row)
    return views.copyView(state, hypercoreById(state, copy.hypercore), copy)
  },

  draw: ({ state }, id) => views.drawView(state, id),

  summary: ({ state }) => summaryView(state),

  bounty: ({ state }, segment) => views.bountyView(state, segment),

  beaconValue({ state }, round) {
    const { onionLength } = state.head
    const row = state.db.get('SELECT round FROM rounds WHERE round >= ? ORDER BY round LIMIT 1', round)
    const onionOf = (of: number): number => Math.floor((of - 1) / onionLength)
    const later = Number(row?.round)
    return row && onionOf(later) === onionOf(round) && later - round < LAYERS_MAX
      ? beaconOf(state, round)
      : null
  },

  challenge({ state }, id) {
    const row = state.db.get('SELECT * FROM challenges WHERE id = ?', id)
    return row ? views.challengeView(state, row) : null
  },

  assignments({ state }, key) {
    const all: AssignmentView[] = []
    for (const side of ['signer', 'pinner'] as const) {
      const role = roleOfKey(state, key, side)
      if (!role) continue
      const sql = `SELECT * FROM tasks WHERE ${side} = ? AND signer IS NOT NULL AND pinner IS NOT NULL ORDER BY id`
      for (const row of state.db.all(sql, role.id)) {
        all.push(views.assignmentView(state, side, taskFrom(row)))
      }
    }
    return all
  },

  challenges: ({ state }, pinner, limit = CHALLENGES_MAX) => challengesOf(state, pinner, OPEN, limit),

  openings({ state }, pinner, limit = CHALLENGES_MAX) {
    const role = roleOfKey(state, pinner, 'pinner')
    if (!role) return []
    const sql = 'SELECT * FROM openings WHERE pinner = ? AND state = 1 ORDER BY challenge LIMIT ?'
    return state.db.all(sql, role.id, limit).map((row) => views.openingView(state, row))
  },

  checkEpochs: ({ state }) =>
    state.db.all('SELECT * FROM check_epochs ORDER BY epoch').map((row) => ({
      epoch: Number(row.epoch),
      startRound: Number(row.start_round),
      closeRound: Number(row.close_round),
      settleRound: Number(row.settle_round)
    })),

  /** Needs the beacon's secret: to be told to this verifier alone. */
  checks({ ahead }, verifier, epoch, limit = CHECKS_MAX) {
    if (!ahead) throw new ChainError('BEACON_MISSING', 'this ledger was opened without its beacon')
    return ahead.of(verifier, epoch, limit)
  },

  asks({ state }, pinner) {
    const role = roleOfKey(state, pinner, 'pinner')
    if (!role) return []
    const rows = state.db.all('SELECT * FROM tasks WHERE pinner = ? AND signer IS NULL ORDER BY id', role.id)
    return rows
      .map(taskFrom)
      .filter((task) => task.state === 'asked')
      .map((task): AskView => {
        const h = hypercoreById(state, copyById(state, task.copy).hypercore)
        const { id, copy, draw, end: length, byteLength, bytes, deadline } = task
        return {
          draw: draw!,
          task: id,
          copy,
          hypercore: h.key,
          codec: h.codec,
          length,
          byteLength,
          bytes,
          deadline: deadline!
        }
      })
  }
} satisfies { [N in keyof LedgerAnswers]: Query<LedgerAnswers[N]> }

/** What the chain alone asks its ledger. */
const inside = {
  /** Whether a key has a wallet, which somebody has paid for. */
  hasAccount: ({ state }: Queried, key: Uint8Array): boolean => state.wallet(Buffer.from(key)) !== undefined,

  /** Challenges that are answered and wait for evidence or a settle. */
  answered: ({ state }: Queried, limit = CHALLENGES_MAX): ChallengeView[] =>
    state.db
      .all('SELECT * FROM challenges WHERE state = ? ORDER BY deadline, id LIMIT ?', ANSWERED, limit)
      .map((row) => views.challengeView(state, row)),

  /** Those of a pinner. */
  answeredOf: ({ state }: Queried, pinner: Uint8Array, limit = CHALLENGES_MAX): ChallengeView[] =>
    challengesOf(state, pinner, ANSWERED, limit),

  /** Ids of answered challenges whose `evidenceBy` is before `clock`, oldest first; only those of rounds after `after`. */
  overdue: ({ state }: Queried, clock: number, limit: number, after = -1): number[] =>
    state.db
      .all(
        'SELECT id FROM challenges WHERE state = 1 AND evidence_by < ? AND round > ? ORDER BY evidence_by, id LIMIT ?',
        clock,
        after,
        limit
      )
      .map(({ id }) => Number(id)),

  /** An opening that is asked for. */
  opening: ({ state }: Queried, challenge: number): OpeningView | null => {
    const row = state.db.get('SELECT * FROM openings WHERE challenge = ? AND state = 1', challenge)
    return row ? views.openingView(state, row) : null
  },

  /** Openings whose `openBy` is before `clock`, oldest first: of which challenges, and since when. */
  overdueOpenings: (
    { state }: Queried,
    clock: number,
    limit: number
  ): { challenge: number; openBy: number }[] =>
    state.db
      .all(
        'SELECT challenge, open_by FROM openings WHERE open_by < ? ORDER BY open_by, challenge LIMIT ?',
        clock,
        limit
      )
      .map((row) => ({ challenge: Number(row.challenge), openBy: Number(row.open_by) })),

  /** A refusal with evidence that waits for `judge`. */
  refusal: ({ state }: Queried, draw: number): RefusalView | null =>
    views.refusalViews(state, { draw }, 1)[0] ?? null,

  /** Refusals with evidence that wait for `judge`, oldest first. */
  refusals: ({ state }: Queried, limit = 100): RefusalView[] => views.refusalViews(state, 'all', limit),

  /** Those of a pinner. */
  refusalsOf: ({ state }: Queried, pinner: Uint8Array, limit: number): RefusalView[] =>
    views.refusalViews(state, { pinner: Buffer.from(pinner) }, limit),

  /** Those whose `evidenceBy` is before `clock`. */
  overdueRefusals: ({ state }: Queried, clock: number, limit: number): RefusalView[] =>
    views.refusalViews(state, { overdue: clock }, limit)
}

export const queries = { ...answers, ...inside }

/** A query is told what it reads, then what it is asked. */
type Query<Call> = Call extends (...args: infer Args) => infer Answer
  ? (of: Queried, ...args: Args) => Answer
  : never

/** The queries as methods. */
export type Asked = {
  [N in keyof typeof queries]: (typeof queries)[N] extends (of: Queried, ...args: infer Args) => infer Answer
    ? (...args: Args) => Answer
    : never
}

/** Has every query as a method. */
abstract class QueriesAsMethods {
  protected abstract queried(): Queried

  static {
    for (const [name, query] of Object.entries(queries)) {
      Object.defineProperty(this.prototype, name, {
        writable: true,
        configurable: true,
        value(this: QueriesAsMethods, ...args: never[]): unknown {
          return (query as (of: Queried, ...args: never[]) => unknown)(this.queried(), ...args)
        }
      })
    }
  }
}

/** What a ledger is made from: it says what its queries read, and has them as methods. */
export const Answering = QueriesAsMethods as unknown as abstract new () => QueriesAsMethods & Asked

/** States of a challenge, as they are stored. */
const OPEN = 0
const ANSWERED = 1

function challengesOf(state: State, pinner: Uint8Array, stored: number, limit: number): ChallengeView[] {
  const role = roleOfKey(state, pinner, 'pinner')
  if (!role) return []
  const sql = 'SELECT * FROM challenges WHERE pinner = ? AND state = ? ORDER BY id LIMIT ?'
  return state.db.all(sql, role.id, stored, limit).map((row: Row) => views.challengeView(state, row))
}

function roleOfKey(state: State, key: Uint8Array, name: 'pinner' | 'signer'): Role | undefined {
  const wallet = state.wallet(Buffer.from(key))
  return wallet && state.roleOf(wallet, name)
}

function summaryView(state: State): SummaryView {
  const count = (sql: string) => Number(state.db.get(sql)!.n)
  const outcomes = (kind: number) => {
    const out = Object.fromEntries(outcomeNames.map((name) => [name, 0])) as Record<Outcome, number>
    for (const row of state.db.all('SELECT outcome, count FROM tallies WHERE kind = ?', kind)) {
      out[outcomeNames[Number(row.outcome)]!] = Number(row.count)
    }
    return out
  }
  const totals = new Map(
    state.db
      .all('SELECT id, balance FROM accounts WHERE id <= 4')
      .map((row) => [Number(row.id), row.balance as bigint])
  )
  // Summed here and not in SQL, whose sum() would overflow where the ledger is broken.
  let sum = 0n
  for (const row of state.db.iterate('SELECT balance FROM accounts')) sum += row.balance as bigint
  return {
    hypercores: count('SELECT count(*) AS n FROM hypercores'),
    copies: count('SELECT count(*) AS n FROM copies WHERE state < 2'),
    activeCopies: count('SELECT count(*) AS n FROM copies WHERE state = 1'),
    storage: outcomes(0),
    retrieval: outcomes(1),
    issued: -totals.get(ISSUED)!,
    minted: -totals.get(MINTED)!,
    burned: totals.get(BURNED)!,
    reserved: totals.get(RESERVED)!,
    sum
  }
}
