import assert from 'node:assert/strict'
import { getPriority } from 'node:os'
import { test } from 'node:test'
import { Engine } from '../../src/engine/engine.js'
import type { EngineTasks } from '../../src/engine/messages.js'
import { closeAfter } from '../helpers/close-after.js'

interface Tasks extends EngineTasks {
  priority: { input: { gate: Int32Array }; output: { thread: number; priority: number } }
}

const workers = new URL('./idle/', import.meta.url)
const { signal } = new AbortController()
const gate = (open: 0 | 1): Int32Array => new Int32Array(new SharedArrayBuffer(4)).fill(open)

function open(gate: Int32Array): void {
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
}

test('what nobody waits for has a thread of its own with the least priority, and keeps no other task waiting', async (t) => {
  const engine = new Engine<Tasks>({ threads: 1, workers })
  closeAfter(t, () => engine.close())
  const held = gate(0)
  const idle = engine.callIdle('priority', { gate: held }, { signal })
  const other = await engine.call('priority', { gate: gate(1) })
  assert.equal(other.priority, getPriority(0))
  open(held)
  const { thread, priority } = await idle
  assert.notEqual(thread, other.thread)
  // Elsewhere threads have no priority of their own that a program could lower.
  assert.equal(priority, process.platform === 'linux' ? Math.min(19, getPriority(0) + 19) : getPriority(0))
})

test('a task that nobody waits for ends with its signal or the engine', async (t) => {
  const engine = new Engine<Tasks>({ threads: 1, workers })
  closeAfter(t, () => engine.close())
  const stop = new AbortController()
  const left = engine.callIdle('priority', { gate: gate(0) }, { signal: stop.signal })
  stop.abort(new Error('over'))
  await assert.rejects(left, /over/)
  const closed = engine.callIdle('priority', { gate: gate(0) }, { signal })
  await Promise.all([assert.rejects(closed, { code: 'ENGINE_CLOSED' }), engine.close()])
})
