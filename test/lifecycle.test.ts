import assert from 'node:assert/strict'
import test from 'node:test'
import { closeAll, Resource } from '../src/lifecycle.js'

/** Opens three parts, of which it is told what goes wrong. */
class Three extends Resource {
  readonly order: string[] = []
  opens = 0
  readonly #fault: { open?: string; close?: string; hang?: string }

  constructor(fault: { open?: string; close?: string; hang?: string } = {}) {
    super(50)
    this.#fault = fault
  }

  protected async start(): Promise<void> {
    this.opens++
    for (const name of ['a', 'b', 'c']) {
      await Promise.resolve()
      if (this.#fault.open === name) throw new Error(`${name} does not open`)
      this.own(name, { close: () => this.#close(name) })
    }
  }

  async #close(name: string): Promise<void> {
    if (this.#fault.hang === name) await new Promise(() => {})
    this.order.push(name)
    if (this.#fault.close === name) throw new Error(`${name} does not close`)
  }
}

test('parts are closed newest first, once, however often opening and closing is asked for', async () => {
  const three = new Three()
  await Promise.all([three.ready(), three.ready()])
  assert.equal(three.signal.aborted, false)
  await Promise.all([three.close(), three.close()])
  await three.close()
  assert.equal(three.opens, 1)
  assert.deepEqual(three.order, ['c', 'b', 'a'])
  assert.equal(three.signal.aborted, true)
  assert.equal(three.order.length, 3)
})

test('a failed opening closes what had been opened, and says why', async () => {
  const three = new Three({ open: 'c' })
  await assert.rejects(three.ready(), /c does not open/)
  assert.deepEqual(three.order, ['b', 'a'])
  await three.close()
  assert.deepEqual(three.order, ['b', 'a'])
})

test('a part that fails to close keeps the others from nothing, and its error is told', async () => {
  const three = new Three({ close: 'b' })
  await three.ready()
  await assert.rejects(three.close(), /b does not close/)
  assert.deepEqual(three.order, ['c', 'b', 'a'])
})

test('a part that hangs is left behind in bounded time, with a code', async () => {
  const three = new Three({ hang: 'c' })
  await three.ready()
  await assert.rejects(three.close(), { code: 'CLOSE_TIMEOUT' })
  assert.deepEqual(three.order, ['b', 'a'])
})

test('what is closed while it opens is open first, and closed whole', async () => {
  const three = new Three()
  const opening = three.ready()
  await three.close()
  await opening
  assert.deepEqual(three.order, ['c', 'b', 'a'])
})

test('what was closed before it was opened never opens', async () => {
  const three = new Three()
  await three.close()
  await three.ready()
  assert.equal(three.opens, 0)
})

test('closing a list of parts throws the first error after all had their turn', async () => {
  const closed: string[] = []
  const part = (name: string, fails = false) => ({
    name,
    close: () => {
      closed.push(name)
      if (fails) throw new Error(name)
    }
  })
  await assert.rejects(closeAll([part('a', true), part('b'), part('c', true)]), /^Error: c$/)
  assert.deepEqual(closed, ['c', 'b', 'a'])
})
