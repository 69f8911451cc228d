import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import {
  heldUntil,
  isMassOutage,
  missedFor,
  paidEpochs,
  returnSteps,
  unpaidMs,
  withdrawnPay
} from '../../src/ledger/rules/absence.js'
import { parameters } from '../../src/protocol/parameters.js'

/** Expected values made by test/vectors/rules-absence.py from docs/protocol.md. */
const path = new URL('../../../test/vectors/rules-absence.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  walks: { steps: number; bytes: number; missedMs: number; walk: number }[]
  fates: { missedMs: number; fate: string }[]
  paid: { epoch: number; last: number; back: number; paid: number }[]
  unpaid: { missedMs: number; unpaidMs: number }[]
  mass: { away: string; held: string; mass: boolean }[]
  held: { since: number; limitMs: number; until: number }[]
  withdrawn: { state: 'delivered' | 'delivering' | 'other'; reward: string; paid: string }[]
}
const p = parameters()

test('what is owed after an absence, and what becomes of copies, is that of the independent implementation', () => {
  for (const { walk, ...of } of vectors.walks) assert.equal(returnSteps(of, p), walk, JSON.stringify(of))
  for (const { missedMs, fate } of vectors.fates) assert.equal(missedFor(missedMs, p), fate, `${missedMs}`)
})

test('what is paid after an absence is that of the independent implementation', () => {
  for (const { epoch, last, back, paid } of vectors.paid)
    assert.equal(paidEpochs(epoch, { last, back }), paid)
  for (const of of vectors.unpaid) assert.equal(unpaidMs(of.missedMs, p), of.unpaidMs)
  for (const { state, reward, paid } of vectors.withdrawn) {
    assert.equal(withdrawnPay(state, BigInt(reward)), BigInt(paid), `${state} ${reward}`)
  }
})

test('when so many are away that nobody is replaced, and for how long, is that of the independent implementation', () => {
  for (const { away, held, mass } of vectors.mass)
    assert.equal(isMassOutage(BigInt(away), BigInt(held)), mass)
  for (const { since, limitMs, until } of vectors.held) assert.equal(heldUntil(since, limitMs, p), until)
})

test('the walk after a short absence finds a tenth missing with 99 %, after a long one a hundredth', () => {
  assert.ok(1 - 0.9 ** returnSteps({ steps: 9, bytes: 1e9, missedMs: 0 }, p) > 0.99)
  assert.ok(1 - 0.99 ** returnSteps({ steps: 9, bytes: 1e9, missedMs: p.repairMs }, p) > 0.99)
})
