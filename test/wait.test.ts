import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test from 'node:test'
import {
  aborted,
  deadline,
  joinSignals,
  joining,
  pause,
  settled,
  turn,
  unlessAborted,
  Wakeup
} from '../src/wait.js'
import { VirtualClock } from './helpers/virtual-clock.js'

const late = (): Error => new Error('late')
const never = new Promise<never>(() => {})

test('a deadline gives what came in time, and takes its timer back', async () => {
  const clock = new VirtualClock()
  assert.equal(await deadline(Promise.resolve(7), { clock, ms: 10, error: late }), 7)
  assert.equal(clock.pending, 0)
})

test('a deadline ends a wait when the time is up, with the error it was given', async () => {
  const clock = new VirtualClock()
  const waiting = assert.rejects(deadline(never, { clock, ms: 10, error: late }), /late/)
  await clock.advance(9)
  assert.equal(clock.pending, 1)
  await clock.advance(1)
  await waiting
})

test('a deadline throws the reason of a signal, one that was aborted before too', async () => {
  const clock = new VirtualClock()
  const stop = new AbortController()
  const options = { clock, ms: 10, signal: stop.signal, error: late }
  const waiting = assert.rejects(deadline(never, options), /stopped/)
  stop.abort(new Error('stopped'))
  await waiting
  await assert.rejects(deadline(Promise.resolve(1), options), /stopped/)
  assert.equal(clock.pending, 0)
})

test('a promise that fails after its deadline is nobody’s unhandled rejection', async () => {
  const clock = new VirtualClock()
  let fail: (error: Error) => void = () => {}
  const failing = new Promise<never>((_resolve, reject) => (fail = reject))
  const waiting = assert.rejects(deadline(failing, { clock, ms: 1, error: late }), /late/)
  await clock.advance(1)
  await waiting
  fail(new Error('too late to matter'))
  await new Promise((resolve) => setImmediate(resolve))
})

test('a pause lasts its time, or until the signal', async () => {
  const clock = new VirtualClock()
  const whole = pause(clock, 5)
  await clock.advance(5)
  assert.equal(await whole, true)
  const stop = new AbortController()
  const cut = pause(clock, 5, stop.signal)
  stop.abort()
  assert.equal(await cut, false)
  assert.equal(await pause(clock, 5, stop.signal), false)
  assert.equal(clock.pending, 0)
})

test('waiting for a signal resolves once it aborts, and racing a signal throws its reason', async () => {
  const stop = new AbortController()
  const waiting = aborted(stop.signal)
  const racing = assert.rejects(unlessAborted(never, stop.signal), /enough/)
  stop.abort(new Error('enough'))
  await Promise.all([waiting, racing, aborted(stop.signal)])
  await assert.rejects(unlessAborted(Promise.resolve(1), stop.signal), /enough/)
  assert.equal(await unlessAborted(Promise.resolve(1), new AbortController().signal), 1)
})

test('a wakeup ends all waits that have begun, and none that begins later', async () => {
  const clock = new VirtualClock()
  const wakeup = new Wakeup()
  const stop = new AbortController()
  const waits = [wakeup.wait(clock, 10), wakeup.wait(clock, 10, stop.signal)]
  wakeup.wake()
  assert.deepEqual(await Promise.all(waits), [true, true])
  const next = wakeup.wait(clock, 10)
  await clock.advance(10)
  assert.equal(await next, false)
  const cut = wakeup.wait(clock, 10, stop.signal)
  stop.abort()
  assert.equal(await cut, false)
  assert.equal(clock.pending, 0)
})

test('to settle is to have any outcome in time; a signal or the time ends the wait without an error', async () => {
  const clock = new VirtualClock()
  assert.equal(await settled(Promise.resolve(), { clock, ms: 10 }), true)
  assert.equal(await settled(Promise.reject(new Error('no')), { clock, ms: 10 }), true)
  const stop = new AbortController()
  const cut = settled(never, { clock, ms: 10, signal: stop.signal })
  stop.abort()
  assert.equal(await cut, false)
  const late = settled(never, { clock, ms: 10 })
  await clock.advance(10)
  assert.equal(await late, false)
  assert.equal(clock.pending, 0)
})

test('a turn lets what is due have its turn', async () => {
  let due = false
  setImmediate(() => (due = true))
  await turn()
  assert.equal(due, true)
})

test('a joined signal aborts with the first of the others, for its reason, and once', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const { signal } = joinSignals(one.signal, undefined, other.signal)
  let times = 0
  signal.addEventListener('abort', () => times++)
  assert.equal(signal.aborted, false)
  const reason = new Error('enough')
  other.abort(reason)
  one.abort(new Error('too late'))
  assert.equal(signal.reason, reason)
  assert.equal(times, 1)
})

test('a signal joined of one that has aborted already is aborted from the start', () => {
  const reason = new Error('over')
  const { signal } = joinSignals(new AbortController().signal, AbortSignal.abort(reason))
  assert.equal(signal.aborted, true)
  assert.equal(signal.reason, reason)
})

test('a joined signal that was released is kept by none of the others, and does not abort any more', async () => {
  const long = new AbortController()
  const listeners = () => getEventListeners(long.signal, 'abort').length
  const { signal, release } = joinSignals(long.signal)
  assert.equal(listeners(), 1)
  release()
  assert.equal(listeners(), 0)
  await joining([long.signal, new AbortController().signal], async () => assert.equal(listeners(), 1))
  await assert.rejects(
    joining([long.signal], () => Promise.reject(new Error('failed'))),
    /failed/
  )
  assert.equal(listeners(), 0)
  long.abort()
  assert.equal(signal.aborted, false)
})

test('an aborted signal is let go of by those that it was joined of', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  joinSignals(one.signal, other.signal)
  one.abort()
  assert.equal(getEventListeners(other.signal, 'abort').length, 0)
})
