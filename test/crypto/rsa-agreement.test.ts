import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { rsaPaths } from '../../src/crypto/rsa.js'
import { assertPathsAgree } from './agreement.js'

test('all paths seal and open alike, random and edge blocks, with ordinary keys and keys of extreme shape', (t) => {
  const seed = process.env.DATDOT_TEST_SEED ?? randomBytes(8).toString('hex')
  t.diagnostic(`seed ${seed}; DATDOT_TEST_SEED repeats it, npm run check:rsa does more blocks`)
  assertPathsAgree(rsaPaths()[0] === 'bigint' ? 64 : 1500, seed)
})
