import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Engine } from '../../src/engine/engine.js'
import type { Tasks } from '../../workers/tasks.js'
import { answer, challengeOf, makeSliceCopy } from './slice-copy.js'
import { closeAfter } from '../helpers/close-after.js'

const engine = new Engine<Tasks>({ threads: 1 })
after(() => engine.close())

test('a worker checks answers, from memory and from a file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'datdot-worker-'))
  closeAfter(t, () => rm(folder, { recursive: true, force: true }))
  const copy = await makeSliceCopy([{ codec: 'wrap', plain: [900, 20, 70_000, 1, 333, 4096, 15] }])
  const answers = await Promise.all([1, 2, 3].map((seed) => answer(copy, challengeOf(copy, 5, seed))))
  const path = join(folder, 'evidence')
  await writeFile(path, answers[1]!.evidence)
  const verdicts = await engine.call(
    'verify-evidence',
    answers.map(({ challenge, lastState, evidence }, i) => {
      const memory = new Uint8Array(new SharedArrayBuffer(evidence.byteLength))
      memory.set(evidence)
      // The third answered with another state.
      const state = i === 2 ? Buffer.alloc(32, 1) : lastState
      const bytes = i === 1 ? { path, byteLength: evidence.byteLength } : { memory }
      return { challenge, lastState: state, evidence: bytes }
    })
  )
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.code)),
    ['ok', 'ok', 'EVIDENCE_STATE']
  )
  assert.deepEqual(
    verdicts.map(({ hash }) => Buffer.from(hash)),
    answers.map(({ hash }) => Buffer.from(hash))
  )
})
