import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { loadIdentity } from '../../src/swarm/identity.js'
import { temporaryFolder } from '../helpers/folder.js'

const seed = Buffer.alloc(32, 5)

function neverDrawn(): Buffer {
  throw new Error('nothing was to be drawn')
}

test('an identity is drawn once and is the same ever after', async (t) => {
  const dir = join(temporaryFolder(t), 'new', 'role')
  const first = await loadIdentity(dir, () => seed)
  assert.deepEqual(first, keyPairFromSeed(seed))
  assert.deepEqual(await loadIdentity(dir, neverDrawn), first)
  assert.equal(readFileSync(join(dir, 'identity'), 'latin1'), `${seed.toString('hex')}\n`)
  assert.equal(statSync(dir).mode & 0o777, 0o700)
})

for (const [what, text] of [
  ['is cut short', seed.toString('hex').slice(0, 63)],
  ['is empty', ''],
  ['holds something else', 'z'.repeat(64)],
  ['goes on', `${seed.toString('hex')}\n\n`]
] as const) {
  test(`an identity that ${what} is refused and left as it is`, async (t) => {
    const dir = temporaryFolder(t)
    writeFileSync(join(dir, 'identity'), text, { mode: 0o600 })
    await assert.rejects(loadIdentity(dir, neverDrawn), { code: 'SECRET_MALFORMED', message: /backup/ })
    assert.equal(readFileSync(join(dir, 'identity'), 'latin1'), text)
  })
}

for (const later of ['ledger.db', 'copies', 'receipts.jsonl', 'keys']) {
  test(`an identity that is missing beside ${later} is not drawn anew: it was lost`, async (t) => {
    const dir = temporaryFolder(t)
    writeFileSync(join(dir, later), '')
    await assert.rejects(loadIdentity(dir, neverDrawn), { code: 'SECRET_MISSING', message: /backup/ })
    assert.deepEqual(readdirSync(dir), [later])
  })
}

test('an identity is drawn beside files that do not come from one', async (t) => {
  const dir = temporaryFolder(t)
  writeFileSync(join(dir, 'datdot.toml'), '')
  assert.deepEqual(await loadIdentity(dir, () => seed), keyPairFromSeed(seed))
})
