import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as idEncoding from 'hypercore-id-encoding'
import { parseKey } from '../../src/drive/key.js'

const key = Buffer.alloc(32, 7)
const z32 = idEncoding.encode(key)
const hex = key.toString('hex')

test('a key is understood in every form that people paste', () => {
  const forms = [
    z32,
    hex,
    hex.toUpperCase(),
    ` ${z32}\n`,
    `hyper://${z32}`,
    `hyper://${hex}/`,
    `hyper://${z32}/folder/file.txt?query#fragment`,
    `pear://${z32}`,
    `pear://0.12.${z32}/path`,
    `${z32}/`,
    `${z32}/folder`,
    `${z32}+12`,
    `hyper://${hex}+12/file`
  ]
  for (const form of forms) assert.deepEqual(parseKey(form)?.key, key, form)
})

test('a length beside a key is its length', () => {
  assert.equal(parseKey(z32)!.length, null)
  assert.equal(parseKey(`${z32}+12`)!.length, 12)
  assert.equal(parseKey(`hyper://${hex}+0/file`)!.length, 0)
  assert.equal(parseKey(`pear://0.34.${z32}`)!.length, 34)
})

test('what is no key is none', () => {
  for (const text of [
    '',
    'folder',
    './' + z32,
    `https://${z32}`,
    z32.slice(1),
    `${z32}x`,
    `${z32}+`,
    hex + '0'
  ])
    assert.equal(parseKey(text), null, text)
})

test('an address of dat:// is refused with the reason, whatever it names', () => {
  for (const named of [hex, `${hex}+99`, 'beakerbrowser.com', ''])
    assert.throws(() => parseKey(`dat://${named}`), { code: 'KEY_DAT' })
  assert.throws(() => parseKey(`DAT://${hex}`), { code: 'KEY_DAT' })
})

test('an address of hyper:// or pear:// that names no key is refused, not taken for a path', () => {
  for (const address of ['pear://keet', 'hyper://', `hyper://${z32.slice(1)}`, 'hypercore://x/y'])
    assert.throws(() => parseKey(address), { code: 'KEY_ADDRESS' })
  assert.deepEqual(parseKey(`HYPER://${z32}`)?.key, key)
})
