import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { closeAll, opened, Resource, using } from '../src/lifecycle.js'

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

/** Takes parts over and lets go of them as a test wants. */
class Owner extends Resource {
  readonly order: string[] = []
  readonly failed: [string, unknown][] = []

  constructor() {
    super(50)
  }

  protected start(): Promise<void> {
    return Promise.resolve()
  }

  protected override closedError(): Error {
    return new Error('this owner is gone')
  }

  protected override closeFailed(name: string, error: unknown): void {
    this.failed.push([name, error])
  }

  take(name: string, close: () => unknown = () => {}): { close(): unknown } {
    return this.own(name, {
      close: () => {
        this.order.push(name)
        return close()
      }
    })
  }

  takeOpen<T extends Resource>(name: string, part: T): Promise<T> {
    return this.acquire(name, part)
  }

  give(part: object): Promise<void> {
    return this.release(part)
  }
}

test('a part that is owned while another closes is closed as well', async () => {
  const owner = await opened(new Owner())
  owner.take('first')
  owner.take('last', async () => {
    await turn()
    owner.take('late')
  })
  await owner.close()
  assert.deepEqual(owner.order, ['last', 'late', 'first'])
})

test('a part that comes too late is closed at once, and its owner’s end is thrown', async () => {
  const owner = await opened(new Owner())
  await owner.close()
  assert.throws(() => owner.take('too late'), /this owner is gone/)
  await turn()
  assert.deepEqual(owner.order, ['too late'])
  const three = new Three()
  await assert.rejects(owner.takeOpen('three', three), /this owner is gone/)
  await turn()
  assert.equal(three.opens, 0)
  assert.equal(three.closed, true)
})

test('a part that is let go of is closed then, and only then', async () => {
  const owner = await opened(new Owner())
  const part = owner.take('one')
  owner.take('two')
  await owner.give(part)
  await owner.give(part)
  assert.deepEqual(owner.order, ['one'])
  await owner.close()
  assert.deepEqual(owner.order, ['one', 'two'])
})

test('a part that is acquired is open, and closed if it does not open', async () => {
  const owner = await opened(new Owner())
  const three = await owner.takeOpen('three', new Three())
  assert.equal(three.opened, true)
  const failing = new Three({ open: 'b' })
  await assert.rejects(owner.takeOpen('failing', failing), /b does not open/)
  await owner.close()
  assert.deepEqual([three.order, failing.order], [['c', 'b', 'a'], ['a']])
})

test('an owner is told of each part that failed to close', async () => {
  const owner = await opened(new Owner())
  const failures = [new Error('a'), new Error('b')]
  owner.take('a', () => Promise.reject(failures[0]!))
  owner.take('b', () => {
    throw failures[1]!
  })
  await assert.rejects(owner.close(), failures[1])
  assert.deepEqual(owner.failed, [
    ['b', failures[1]],
    ['a', failures[0]]
  ])
})

test('a part that fails to close after a failed opening surprises nobody', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  try {
    const three = new Three({ open: 'c', close: 'a' })
    await assert.rejects(three.ready(), /c does not open/)
    await turn()
    await assert.rejects(three.close(), /a does not close/)
  } finally {
    process.off('unhandledRejection', note)
  }
  assert.deepEqual(unhandled, [])
})

test('what is used is closed after the work, whose outcome is the one that is told', async () => {
  const three = new Three()
  assert.equal(await using(three, ({ opened }) => Promise.resolve(opened)), true)
  assert.equal(three.closed, true)
  const failing = new Three({ close: 'a' })
  await assert.rejects(
    using(failing, () => Promise.reject(new Error('the work failed'))),
    /the work failed/
  )
  assert.deepEqual(failing.order, ['c', 'b', 'a'])
  await assert.rejects(
    using(new Three({ close: 'a' }), () => Promise.resolve()),
    /a does not close/
  )
  await assert.rejects(
    using(new Three({ open: 'a' }), () => assert.fail('it is not open')),
    /a does not open/
  )
})
