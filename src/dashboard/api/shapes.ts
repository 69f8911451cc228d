import { codecNames } from '../../chunk/header.js'
import { outcomeNames, roleNames } from '../../protocol/operations.js'
import { COPY_STATES } from '../history/apply.js'
import { SLICES_MAX } from '../history/series.js'
import {
  anyOf,
  fields,
  grains,
  hex32,
  hexOf,
  keyText,
  many,
  moment,
  orNull,
  ppm,
  real,
  whole,
  phrase,
  yesOrNo,
  type ShapeOf
} from './shape.js'

// What the API answers. Each is bounded: what may be long comes by pages.

/** Rows of a page at the most, and if nothing is said. */
export const PAGE_MAX = 200
export const PAGE_ROWS = 50
/** Copies of a hypercore, or roles of a key, that one answer describes. */
export const COPIES_MAX = 1_000
export const SEGMENTS_MAX = 4_096
/** Reasons why a hypercore is not as its plan wants it: a few of itself, and two of each copy. */
export const PROBLEMS_MAX = 2 * COPIES_MAX + 8

export const errorShape = fields({
  code: phrase(64, 'stable; docs/errors.md has all'),
  message: phrase(1_024),
  remedy: phrase(1_024)
})

const outcome = anyOf(outcomeNames)
const counts = fields(
  Object.fromEntries(outcomeNames.map((name) => [name, whole()])) as Record<
    (typeof outcomeNames)[number],
    ReturnType<typeof whole>
  >
)
const perSlice = <T>(of: Parameters<typeof many<T>>[0]) => many(of, SLICES_MAX + 1)
const counted = fields(
  Object.fromEntries(outcomeNames.map((name) => [name, perSlice(whole())])) as Record<
    (typeof outcomeNames)[number],
    ReturnType<typeof perSlice<number>>
  >
)

export const seriesShape = fields({
  sliceMs: whole(),
  at: perSlice(moment),
  storage: counted,
  retrieval: counted,
  answerMs: perSlice(orNull(real())),
  firstByteUs: perSlice(orNull(real())),
  bytesPerSecond: perSlice(orNull(real())),
  paid: perSlice(grains),
  minted: perSlice(grains),
  burned: perSlice(grains),
  r: perSlice(orNull(ppm)),
  rLow: perSlice(orNull(ppm))
})

export const overviewShape = fields({
  chain: fields({
    id: hex32,
    key: keyText,
    name: phrase(64),
    length: whole(),
    head: hex32,
    at: moment,
    clock: whole(),
    epoch: whole(),
    round: whole(),
    epochMs: whole()
  }),
  history: fields({
    next: whole(undefined, 'entries that the history has read'),
    began: orNull(whole(undefined, 'the first entry that it knows all of'))
  }),
  hypercores: whole(),
  copies: fields({ live: whole(), active: whole(), repairing: whole() }),
  pinners: fields({ registered: whole(), online: whole() }),
  signers: whole(),
  verifiers: whole(),
  storage: counts,
  retrieval: counts,
  tokens: fields({ issued: grains, minted: grains, burned: grains, reserved: grains, sum: grains })
})

const health = anyOf(['proven', 'failing', 'unproven', 'pending', 'lost', 'released'] as const)

const segmentShape = fields({
  segment: whole(),
  signer: keyText,
  codec: anyOf(codecNames),
  start: whole(),
  end: whole(),
  bytes: whole(),
  root: hex32,
  draw: whole(),
  unpaid: grains
})

export const copyShape = fields({
  id: whole(),
  hypercore: keyText,
  state: anyOf(COPY_STATES),
  health,
  pinner: orNull(keyText),
  length: whole(),
  bytes: whole(),
  score: whole(),
  provenAt: orNull(moment),
  answerMs: orNull(whole()),
  firstByteUs: orNull(whole()),
  bytesPerSecond: orNull(whole()),
  checkedAt: orNull(moment),
  task: orNull(
    fields({
      id: whole(),
      state: phrase(16),
      start: whole(),
      end: whole(),
      draw: orNull(whole()),
      pinner: orNull(keyText),
      signer: orNull(keyText)
    })
  ),
  segmentCount: whole(),
  segments: many(segmentShape, SEGMENTS_MAX)
})

const outlook = fields({
  dueEachDay: grains,
  runsOutAt: orNull(moment),
  days: orNull(real('from now; null if nothing is due'))
})

export const hypercoreRowShape = fields({
  key: keyText,
  state: anyOf(['active', 'grace', 'lapsed'] as const),
  balance: grains,
  byteLength: whole(),
  length: whole(),
  codec: anyOf(codecNames),
  wanted: whole(),
  healthy: whole(),
  live: whole(),
  provenAt: orNull(moment),
  outlook
})

export const hypercoreShape = fields({
  key: keyText,
  state: anyOf(['active', 'grace', 'lapsed'] as const),
  balance: grains,
  fork: whole(),
  length: whole(),
  byteLength: whole(),
  treeHash: hex32,
  plan: fields({
    copies: whole(),
    targetPpm: ppm,
    codec: anyOf(codecNames),
    every: whole(),
    steps: whole(),
    maxBytes: whole(),
    topic: hex32,
    refreshAfterMs: whole()
  }),
  wanted: whole(),
  healthy: whole(),
  live: whole(),
  provenAt: orNull(moment),
  outlook,
  supporters: many(fields({ key: keyText, amount: grains, since: moment }), PAGE_MAX),
  problems: many(
    fields({
      code: phrase(64, 'stable; docs/errors.md has all'),
      message: phrase(1_024),
      who: orNull(keyText)
    }),
    PROBLEMS_MAX
  ),
  copies: many(copyShape, COPIES_MAX)
})

const ofRole = {
  role: anyOf(roleNames),
  state: anyOf(['active', 'retiring', 'retired'] as const),
  capacityBytes: whole(),
  usedBytes: whole(),
  deposit: grains,
  locked: grains,
  reputationPpm: ppm,
  storagePpm: ppm,
  retrievalPpm: ppm
}
const roleShape = fields(ofRole)

export const roleRowShape = fields({ key: keyText, heardAt: orNull(moment), online: yesOrNo, ...ofRole })

export const memberShape = fields({
  key: keyText,
  balance: grains,
  heardAt: orNull(moment),
  online: yesOrNo,
  roles: many(roleShape, roleNames.length),
  earned: fields({ ever: grains, day: grains, month: grains }),
  storage: counts,
  retrieval: counts,
  copies: many(
    fields({
      id: whole(),
      hypercore: keyText,
      state: anyOf(COPY_STATES),
      segments: whole(),
      provenAt: orNull(moment)
    }),
    PAGE_MAX
  )
})

export const challengeRowShape = fields({
  id: whole(),
  copy: whole(),
  hypercore: orNull(keyText),
  pinner: orNull(keyText),
  issuedAt: moment,
  answerMs: orNull(whole()),
  settledAt: orNull(moment),
  outcome: orNull(outcome),
  paid: orNull(grains),
  r: orNull(ppm)
})

/** What a walk goes over, in the words of src/evidence/slice-walk.ts. */
const walkSegmentShape = fields({
  codec: anyOf(codecNames),
  id: hex32,
  start: whole(),
  chunks: whole(),
  bytes: whole(),
  root: hex32
})

export const challengeShape = fields({
  id: whole(),
  copy: whole(),
  hypercore: orNull(keyText),
  pinner: orNull(keyText),
  chainId: hex32,
  round: whole(),
  beacon: orNull(hex32),
  seed: orNull(hex32),
  steps: orNull(whole()),
  segments: many(walkSegmentShape, SEGMENTS_MAX),
  issuedSeq: whole(),
  issuedAt: moment,
  answeredSeq: orNull(whole()),
  answerMs: orNull(whole()),
  state: orNull(hex32),
  evidence: orNull(hex32),
  evidenceKept: yesOrNo,
  settledSeq: orNull(whole()),
  settledAt: orNull(moment),
  outcome: orNull(outcome),
  paid: orNull(grains),
  r: orNull(ppm)
})

export const checkRowShape = fields({
  epoch: whole(),
  copy: whole(),
  hypercore: orNull(keyText),
  pinner: orNull(keyText),
  at: moment,
  outcome,
  firstByteUs: whole(),
  bytesPerSecond: whole(),
  misses: whole(),
  paid: grains,
  r: ppm
})

export const checkShape = fields({
  epoch: whole(),
  copy: whole(),
  hypercore: orNull(keyText),
  pinner: orNull(keyText),
  chainId: hex32,
  seq: whole(),
  at: moment,
  outcome,
  firstByteUs: whole(),
  bytesPerSecond: whole(),
  misses: whole(),
  paid: grains,
  r: ppm,
  limits: fields({ firstByteUs: whole(), bytesPerSecond: whole(), misses: whole(), reports: whole() }),
  reports: many(
    fields({
      verifier: keyText,
      firstByteUs: whole(),
      bytesPerSecond: whole(),
      misses: whole(),
      blocks: whole(),
      bytes: whole(),
      seq: whole(undefined, 'the entry that revealed it'),
      committed: many(whole(), 64)
    }),
    64
  )
})

export const drawRowShape = fields({
  id: whole(),
  task: whole(),
  copy: whole(),
  hypercore: orNull(keyText),
  role: anyOf(roleNames),
  key: keyText,
  round: whole(),
  at: moment
})

const lot = fields({ candidate: whole(), key: keyText, fits: yesOrNo })
/** Most candidates whose weights one answer has; `datdot verify-draw` has no such bound. */
export const CANDIDATES_SHOWN = 65_536

export const drawShape = fields({
  id: whole(),
  task: whole(),
  copy: whole(),
  hypercore: orNull(keyText),
  role: anyOf(roleNames),
  key: keyText,
  chainId: hex32,
  round: whole(),
  beacon: orNull(hex32),
  seq: whole(),
  at: moment,
  urn: orNull(
    fields({
      total: whole(),
      weights: many(many(whole(), 2), CANDIDATES_SHOWN),
      excluded: many(fields({ candidate: whole(), key: keyText }), CANDIDATES_SHOWN),
      lots: many(lot, 300)
    })
  )
})

export const eventShape = fields({
  id: whole(),
  seq: whole(),
  at: moment,
  kind: phrase(32),
  hypercore: orNull(keyText),
  key: orNull(keyText),
  copy: orNull(whole()),
  ref: orNull(whole()),
  amount: orNull(grains),
  r: orNull(ppm),
  word: orNull(phrase(32))
})

export const entryShape = fields({ seq: whole(), bytes: hexOf(12 << 20), hash: hex32, at: moment })

export const foundShape = fields({
  found: many(
    fields({
      what: anyOf(['hypercore', 'member', 'copy', 'challenge', 'draw', 'entry'] as const),
      id: phrase(64),
      says: phrase(128)
    }),
    16
  )
})

export const pageOf = <T>(row: Parameters<typeof many<T>>[0]) =>
  fields({ rows: many(row, PAGE_MAX), next: orNull(phrase(32, 'the next page, as `cursor`')) })

export type Overview = ShapeOf<typeof overviewShape>
export type HypercoreAnswer = ShapeOf<typeof hypercoreShape>
export type HypercoreRow = ShapeOf<typeof hypercoreRowShape>
export type CopyAnswer = ShapeOf<typeof copyShape>
export type MemberAnswer = ShapeOf<typeof memberShape>
export type MemberRow = ShapeOf<typeof roleRowShape>
export type SeriesAnswer = ShapeOf<typeof seriesShape>
export type ChallengeAnswer = ShapeOf<typeof challengeShape>
export type ChallengeRow = ShapeOf<typeof challengeRowShape>
export type CheckAnswer = ShapeOf<typeof checkShape>
export type CheckRow = ShapeOf<typeof checkRowShape>
export type DrawAnswer = ShapeOf<typeof drawShape>
export type DrawRow = ShapeOf<typeof drawRowShape>
export type EventRow = ShapeOf<typeof eventShape>
export type Found = ShapeOf<typeof foundShape>
