import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '../../src/protocol/codec.js'
import {
  defaultParameters,
  parameters,
  parametersType,
  type Parameters
} from '../../src/protocol/parameters.js'

const names = Object.keys(defaultParameters) as (keyof Parameters)[]

test('all parameters come back from their bytes, in the order in which they are named', () => {
  const wire = encode(parametersType, parameters())
  const back = decode(parametersType, wire)
  assert.deepEqual(back, defaultParameters)
  assert.deepEqual(Object.keys(back), names)
})

test('a parameter is replaced without the others, and the defaults stay', () => {
  const changed = parameters({ epochMs: 1, checkReward: 7n })
  assert.deepEqual({ ...changed, epochMs: 3_600_000, checkReward: 300n }, defaultParameters)
  assert.equal(defaultParameters.epochMs, 3_600_000)
  assert.deepEqual(parameters(), defaultParameters)
})

test('each parameter can be another number, and none can be less than 0', () => {
  for (const name of names) {
    const one = typeof defaultParameters[name] === 'bigint' ? 1n : 1
    const changed = { ...defaultParameters, [name]: one }
    assert.deepEqual(decode(parametersType, encode(parametersType, changed)), changed, name)
    assert.throws(
      () => encode(parametersType, { ...defaultParameters, [name]: typeof one === 'bigint' ? -1n : -1 }),
      {
        code: 'OPERATION_MALFORMED'
      }
    )
  }
})

test('no share is above one, and what is remembered of a reputation is at most 0.999 of it', () => {
  for (const name of names.filter((name) => name.endsWith('Ppm'))) {
    const most = name === 'lambdaPpm' ? 999_000 : 1_000_000
    const at = (value: number) => encode(parametersType, { ...defaultParameters, [name]: value })
    assert.equal(decode(parametersType, at(most))[name], most)
    assert.throws(() => at(most + 1), { code: 'OPERATION_MALFORMED' }, name)
  }
})

test('what a segment earns is a hundredth of a datdot and two for each GiB, in grains', () => {
  assert.equal(defaultParameters.segmentRewardBase, 10_000n)
  assert.equal(defaultParameters.segmentRewardPerGiB, 2_000_000n)
})

test('an operation may name an entry a day or 1,048,576 entries back', () => {
  assert.equal(defaultParameters.anchorEntries, 1_048_576)
  assert.equal(defaultParameters.anchorMs, 24 * 60 * 60 * 1000)
})
