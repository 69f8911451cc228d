import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AssignmentView } from '../../../src/protocol/views.js'
import type { CodecName } from '../../../src/chunk/header.js'
import { keyPairFromSeed, randomBytes } from '../../../src/crypto/keys.js'
import { Engine } from '../../../src/engine/engine.js'
import { SegmentKeys } from '../../../src/roles/signer/segment-keys.js'
import { temporaryFolder } from '../../helpers/folder.js'
import { closeAfter } from '../../helpers/close-after.js'

const keyPair = keyPairFromSeed(Buffer.alloc(32, 1))

/** Of an assignment, the keys look at codec and draw alone. */
function assignment(codec: CodecName, draw: number): AssignmentView {
  return { codec, draw } as AssignmentView
}

function keysIn(t: TestContext, dir = join(temporaryFolder(t), 'keys')): { dir: string; keys: SegmentKeys } {
  const engine = new Engine({ threads: 1 })
  closeAfter(t, () => engine.close())
  return { dir, keys: new SegmentKeys(dir, engine, randomBytes) }
}

for (const codec of ['wrap', 'seal'] as const) {
  test(`the ${codec} key of a draw is the same after a restart, and another draw’s is another`, async (t) => {
    const { dir, keys } = keysIn(t)
    const first = await keys.of(assignment(codec, 7), keyPair)
    assert.deepEqual(await keysIn(t, dir).keys.of(assignment(codec, 7), keyPair), first)
    assert.notDeepEqual(await keys.of(assignment(codec, 8), keyPair), first)
    assert.equal(statSync(join(dir, '7')).mode & 0o777, 0o600)
  })

  test(`a ${codec} key that was cut short is refused and not drawn anew`, async (t) => {
    const { dir, keys } = keysIn(t)
    await keys.of(assignment(codec, 7), keyPair)
    const path = join(dir, '7')
    truncateSync(path, statSync(path).size - 1)
    const left = readFileSync(path)
    await assert.rejects(keys.of(assignment(codec, 7), keyPair), {
      code: 'SECRET_MALFORMED',
      message: /7 is not the key of a segment; restore it, or remove it to encode draw 7 anew/
    })
    assert.deepEqual(readFileSync(path), left)
  })

  test(`a ${codec} key that cannot be read is not taken for none`, async (t) => {
    const { dir, keys } = keysIn(t)
    mkdirSync(join(dir, '7'), { recursive: true })
    await assert.rejects(keys.of(assignment(codec, 7), keyPair), { code: 'SECRET_UNREADABLE' })
  })
}

test('a seal key whose public part is another one’s is refused', async (t) => {
  const { dir, keys } = keysIn(t)
  await keys.of(assignment('seal', 7), keyPair)
  const bytes = readFileSync(join(dir, '7'))
  bytes[100]! ^= 1
  writeFileSync(join(dir, '7'), bytes)
  await assert.rejects(keys.of(assignment('seal', 7), keyPair), { code: 'SECRET_MALFORMED' })
})

test('keys of draws that are over are wiped, with what a crash left of them', async (t) => {
  const { dir, keys } = keysIn(t)
  for (const draw of [7, 8]) await keys.of(assignment('wrap', draw), keyPair)
  for (const name of ['7.new', '8.new']) writeFileSync(join(dir, name), 'half', { mode: 0o600 })
  await keys.forgetAllBut(new Set([8]))
  assert.deepEqual(readdirSync(dir), ['8', '8.new'])
})

test('forgetting keys before there were any is fine', async (t) => {
  await keysIn(t).keys.forgetAllBut(new Set())
})
