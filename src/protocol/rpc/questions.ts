import { fixed, list, optional, struct, tuple, uint, type Type } from '../codec.js'
import type { Page } from '../views.js'
import {
  accountViewType,
  askViewType,
  assignmentViewType,
  bountyViewType,
  challengeViewType,
  checkEpochViewType,
  checkViewType,
  copyViewType,
  drawViewType,
  hypercoreViewType,
  openingViewType,
  roleViewType,
  summaryViewType
} from './views.js'

/** Most rows of one answer to a question that may have many. */
export const ROWS_MAX = 2048
/** Rows of one page, and the bytes at which a page of large rows ends early. */
export const ROLES_PAGE = 1024
export const HYPERCORES_PAGE = 256
export const PAGE_BYTES = 2 << 20
/** What one key may have to do at a time, and epochs that are open. */
const OPEN_MAX = 65_536

/**
 * Who answers to whom: `anyone` gets the same answer; of an `own` question the ledger is told the key with which the asking
 * connection was made, before the arguments; a `paged` one is asked again, after the last row, until there are no more.
 */
export type Form = 'anyone' | 'own' | 'paged'

/** A row of the table below. */
export interface Question<Args extends unknown[], Answer, F extends Form> {
  readonly form: F
  /** Number on the wire. Never reused, and none of `methods`. */
  readonly code: number
  /** How many arguments it takes. */
  readonly arity: number
  /** Arguments one after another, within their bounds. */
  readonly request: Type<Args>
  readonly response: Type<Answer>
}

/** A question that anyone may ask; `args` are the types of what the ledger's query takes, in its order. */
function question<Args extends unknown[], A>(
  code: number,
  args: readonly [...{ [K in keyof Args]: Type<Args[K]> }],
  response: Type<A>
): Question<Args, A, 'anyone'> {
  return { form: 'anyone', code, arity: args.length, request: tuple<Args>(...args), response }
}

/** A question about the asker's own: its key, which the connection has proven, is the query's first argument. */
function own<Args extends unknown[], A>(
  code: number,
  args: readonly [...{ [K in keyof Args]: Type<Args[K]> }],
  response: Type<A>
): Question<Args, A, 'own'> {
  return { form: 'own', code, arity: args.length, request: tuple<Args>(...args), response }
}

/** All rows of a kind, up to `most` at a time, after the one that the page before ended with. */
function pages<T>(
  code: number,
  row: Type<T>,
  most: number
): Question<[after: number | null], Page<T>, 'paged'> {
  const response = struct({ rows: list(row, most), next: optional(uint()) })
  return { form: 'paged', code, arity: 1, request: tuple<[after: number | null]>(optional(uint())), response }
}

const key = fixed(32)
const id = uint()
const limit = uint(ROWS_MAX)

/**
 * Every question that a peer may put to the ledger. A row is all that it takes beside the query of the same name in
 * src/ledger/queries.ts: the ledger's type, its answer to a request, and the client's method follow from here.
 */
export const questions = {
  account: question(16, [key], accountViewType),
  /** All roles in the order of registration. */
  roles: pages(17, roleViewType, ROLES_PAGE),
  hypercore: question(18, [key], optional(hypercoreViewType)),
  copy: question(19, [id], optional(copyViewType)),
  draw: question(20, [id], optional(drawViewType)),
  summary: question(21, [], summaryViewType),
  /** Value of a beacon round that was revealed, for the last 1,024 rounds and those still referred to. */
  beaconValue: question(22, [uint()], optional(fixed(32))),
  challenge: question(23, [id], optional(challengeViewType)),
  /** All hypercores in the order of sponsoring; a page also ends at about PAGE_BYTES. */
  hypercores: pages(24, hypercoreViewType, HYPERCORES_PAGE),
  /** What can be won for a segment, by its hash. */
  bounty: question(28, [key], optional(bountyViewType)),
  /** Tasks that the asker is drawn to sign, or to pin and that have a signer. */
  assignments: own(32, [], list(assignmentViewType, OPEN_MAX)),
  /** The asker's challenges that wait for its answer, oldest first: (limit). */
  challenges: own(33, [limit], list(challengeViewType, ROWS_MAX)),
  /** What the asker is asked to open, oldest first: (limit). */
  openings: own(39, [limit], list(openingViewType, ROWS_MAX)),
  /** Epochs whose checks are not settled yet. */
  checkEpochs: question(35, [], list(checkEpochViewType, OPEN_MAX)),
  /** What the asking verifier was drawn to check, which nobody else is told: (epoch, limit). */
  checks: own(36, [uint(), limit], list(checkViewType, ROWS_MAX)),
  /** What the asking pinner is asked to keep, before a signer is drawn for it. */
  asks: own(38, [], list(askViewType, OPEN_MAX))
}

type Questions = typeof questions
export type QuestionName = keyof Questions

type ArgumentsOf<Q> = Q extends { request: Type<infer Args extends unknown[]> } ? Args : never
type AnswerOf<Q> = Q extends { response: Type<infer A> } ? A : never

/** The questions as the ledger answers them on its own thread. */
export type LedgerAnswers = {
  [N in keyof Questions]: (
    ...args: Questions[N] extends { form: 'own' }
      ? [asker: Uint8Array, ...args: ArgumentsOf<Questions[N]>]
      : ArgumentsOf<Questions[N]>
  ) => AnswerOf<Questions[N]>
}

/** The questions as a client asks them: of what is paged it gets all rows. `O` are the options of a call. */
export type ClientQuestions<O> = {
  [N in keyof Questions]: Questions[N] extends { form: 'paged'; response: Type<Page<infer Row>> }
    ? (options?: O) => Promise<Row[]>
    : (...args: [...args: ArgumentsOf<Questions[N]>, options?: O]) => Promise<AnswerOf<Questions[N]>>
}
