import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rsaPaths } from '../../src/crypto/rsa.js'
import { canReadMemory, keyNeedles, searchMemory, type Needles } from '../helpers/memory.js'
import type { Told } from './wiped-key.js'

const CHUNKS = 13

/** What of a key is in the memory of a process that made it, used it on two worker threads, and wiped it: before and after. */
async function remains(
  path: string,
  primes: number
): Promise<Record<'made' | 'wiped', Record<string, number>>> {
  const child = fork(fileURLToPath(new URL('./wiped-key.js', import.meta.url)), [String(primes)], {
    env: { ...process.env, DATDOT_NATIVE: path }
  })
  try {
    const found = { made: {}, wiped: {} }
    let needles: Needles | undefined
    for (const state of ['made', 'wiped'] as const) {
      const [told] = (await once(child, 'message')) as [Told]
      assert.equal(told.state, state)
      assert.equal(told.sealed, state === 'made' ? 0 : CHUNKS)
      needles ??= keyNeedles(plain(told.secret), plain(told.seed))
      found[state] = searchMemory(child.pid!, needles)
      child.send('go on')
    }
    await once(child, 'exit')
    return found
  } finally {
    child.kill('SIGKILL')
  }
}

function plain(disguised: string): Buffer {
  return Buffer.from(disguised, 'hex').map((byte) => byte ^ 0xaa) as Buffer
}

if (canReadMemory) {
  for (const path of rsaPaths().filter((path) => path !== 'bigint')) {
    for (const primes of path === 'portable' ? [4, 3] : [4]) {
      test(`nothing of a wiped key of ${primes} primes is in memory, ${path}`, async () => {
        const { made, wiped } = await remains(path, primes)
        // The search finds what is there: the key itself, and no other copy of it.
        assert.deepEqual(Object.keys(made), ['p, big-endian'])
        assert.deepEqual(wiped, {})
      })
    }
  }
}
