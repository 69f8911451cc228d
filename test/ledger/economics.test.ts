import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codecOf } from '../../src/chunk/codecs.js'
import { backedBytes, encodedBytesMax } from '../../src/ledger/rules/economics.js'
import { parameters } from '../../src/protocol/parameters.js'

test('what a draw sets aside is enough for chunks of any size in either codec, and little more', () => {
  for (const codec of [codecOf('wrap'), codecOf('seal')]) {
    for (const size of [1, 254, 255, 256, 1_000, 65_536, 1 << 20, 15 << 20]) {
      for (const chunks of [1, 2, 1_000]) {
        const encoded = chunks * codec.encodedBytes(size)
        const most = encodedBytesMax(chunks * size, chunks)
        assert.ok(encoded <= most, `${chunks} chunks of ${size} as ${codec.name}`)
        assert.ok(most <= encoded + chunks * 640 + (chunks * size) / 200 + 1)
      }
    }
  }
})

test('where a GiB needs no deposit, any deposit backs all that can be counted', () => {
  const free = parameters({ depositPerGiB: 0n })
  for (const deposit of [0n, 1n, 10n ** 18n]) assert.equal(backedBytes(deposit, free), 2n ** 53n - 1n)
})
