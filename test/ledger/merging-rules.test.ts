import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { mergedMs, mergeOf } from '../../src/ledger/rules/merging.js'
import { parameters } from '../../src/protocol/parameters.js'

/** Expected values made by test/vectors/rules-merging.py from docs/protocol.md. */
const path = new URL('../../../test/vectors/rules-merging.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
  merges: { segments: [number, number][]; merge: [number, number] | null }[]
  spent: { price: string; copies: number[]; every: number; ms: string }[]
}

test('what is merged, and how much of the time for growth it uses up, are those of the vectors', () => {
  for (const { segments, merge } of vectors.merges) {
    const found = mergeOf(segments.map(([bytes, whole]) => ({ bytes, whole: whole === 1 })))
    assert.deepEqual(found && [found.first, found.last], merge, JSON.stringify(segments))
  }
  const p = parameters({})
  for (const { price, copies, every, ms } of vectors.spent) {
    assert.equal(String(mergedMs({ price: BigInt(price), copies, every }, p)), ms)
  }
})

test('segments that come one by one stay fewer than the digits of their bytes, and each byte is encoded as often at most', () => {
  let segments: number[] = []
  let encoded = 0
  for (let n = 1; n <= 5_000; n++) {
    segments.push(1_000 + ((n * 7_919) % 4_000))
    const merge = mergeOf(segments.map((bytes) => ({ bytes, whole: true })))
    if (merge) {
      const sum = segments.slice(merge.first, merge.last + 1).reduce((all, bytes) => all + bytes)
      encoded += sum
      segments = [...segments.slice(0, merge.first), sum, ...segments.slice(merge.last + 1)]
    }
    assert.ok(segments.length <= 16, `${segments.length}`)
  }
  const all = segments.reduce((sum, bytes) => sum + bytes)
  // A byte is the newest once, and then its segment grows by half each time.
  assert.ok(encoded / all < 1 + Math.log(all / 1_000) / Math.log(1.5), `${encoded / all}`)
})
