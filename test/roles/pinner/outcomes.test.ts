import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '../../../src/log.js'
import type { Effect } from '../../../src/protocol/effects.js'
import type { ChallengeView } from '../../../src/protocol/views.js'
import { Outcomes } from '../../../src/roles/pinner/outcomes.js'
import { identity } from '../../ledger/network.js'

const own = identity('pinner')
const other = identity('another pinner').publicKey
const settled = (challenge: number): Effect => ({
  kind: 'settled',
  challenge,
  copy: 1,
  outcome: 'success',
  paid: 5n,
  reputationPpm: 600_000
})

test('what becomes of own challenges, copies and deposit is logged once, and of nobody else’s', () => {
  const lines: Record<string, unknown>[] = []
  const log = createLogger(
    (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    () => 0
  )
  const outcomes = new Outcomes({ log, keyPair: own })
  outcomes.asked([{ id: 3 }, { id: 4 }] as ChallengeView[])
  outcomes.hear(null)
  outcomes.hear([settled(3), settled(3), settled(9)])
  const hypercore = Buffer.alloc(32, 1)
  const lost = { kind: 'lost' as const, copy: 1, hypercore, burned: 7n }
  outcomes.hear([
    { ...lost, pinner: own.publicKey },
    { ...lost, pinner: other }
  ])
  const penalised = { kind: 'penalised' as const, role: 'pinner' as const, burned: 2n, reputationPpm: 1 }
  outcomes.hear([
    { ...penalised, key: own.publicKey },
    { ...penalised, key: other }
  ])
  assert.deepEqual(
    lines.map(({ event, challenge, paid, burned }) => [event, challenge, paid, burned]),
    [
      ['pinner.settled', 3, '5', undefined],
      ['pinner.copy-lost', undefined, undefined, '7'],
      ['role.penalised', undefined, undefined, '2']
    ]
  )
})
